-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0
--
-- Times are microseconds since 1970 in UTC; 0 stands for never. Lists are JSON
-- arrays of strings. A migration that was released is never changed: its
-- checksum is kept in every database.

-- One row. revision grows with every change that the gateway must see;
-- pepper_check recognises the pepper without telling it.
CREATE TABLE state (
	one          INTEGER PRIMARY KEY CHECK (one = 1),
	revision     INTEGER NOT NULL,
	pepper_check BLOB
) STRICT;

INSERT INTO state (one, revision) VALUES (1, 1);

CREATE TABLE consumers (
	id       TEXT PRIMARY KEY,
	name     TEXT NOT NULL,
	roles    TEXT NOT NULL,
	disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
	created  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
	id          TEXT PRIMARY KEY,
	environment TEXT NOT NULL,
	consumer    TEXT NOT NULL REFERENCES consumers (id) ON DELETE CASCADE,
	name        TEXT NOT NULL,
	hash        BLOB NOT NULL CHECK (length(hash) = 32),
	roles       TEXT NOT NULL,
	scopes      TEXT NOT NULL,
	addresses   TEXT NOT NULL,
	created     INTEGER NOT NULL,
	expires     INTEGER NOT NULL,
	revoked     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_by_consumer ON keys (consumer);

-- Apart from keys, so that noting a use is no change that a gateway must see.
CREATE TABLE key_uses (
	key       TEXT PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
	last_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
