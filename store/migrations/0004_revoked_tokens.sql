-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Tokens that are refused before they expire: one by its id, or all of a
-- subject that were issued up to a moment (at). A row is of no more use after
-- until. One that was taken back stays until then (lifted), so that every node
-- sees it by its revision, the one of state in which the row changed last.
CREATE TABLE revoked_tokens (
	kind     TEXT NOT NULL CHECK (kind IN ('token', 'subject')),
	issuer   TEXT NOT NULL CHECK (issuer != ''),
	id       TEXT NOT NULL CHECK (id != ''),
	at       INTEGER NOT NULL,
	until    INTEGER NOT NULL,
	reason   TEXT NOT NULL,
	lifted   INTEGER NOT NULL CHECK (lifted IN (0, 1)),
	revision INTEGER NOT NULL,
	PRIMARY KEY (kind, issuer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX revoked_tokens_by_revision ON revoked_tokens (revision);
CREATE INDEX revoked_tokens_by_until ON revoked_tokens (until);
