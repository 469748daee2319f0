-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE consumers ADD COLUMN addresses TEXT NOT NULL DEFAULT '[]';
ALTER TABLE consumers ADD COLUMN denied TEXT NOT NULL DEFAULT '[]';
ALTER TABLE consumers ADD COLUMN plan TEXT NOT NULL DEFAULT '';

ALTER TABLE keys ADD COLUMN holders TEXT NOT NULL DEFAULT '[]';
ALTER TABLE keys ADD COLUMN denied TEXT NOT NULL DEFAULT '[]';
ALTER TABLE keys ADD COLUMN plan TEXT NOT NULL DEFAULT '';

-- Leaked keys, by id or by hash (the same HMAC as keys.hash). No reference to
-- keys: what leaked stays refused when its key is deleted and imported again.
CREATE TABLE denials (
	kind TEXT NOT NULL CHECK (kind IN ('id', 'hash')),
	key  BLOB NOT NULL CHECK (length(key) > 0),
	note TEXT NOT NULL,
	at   INTEGER NOT NULL,
	PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- For finding the keys that a denial is about.
CREATE INDEX keys_by_hash ON keys (hash);
