-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Objects of APIs and what is known of them, as JSON objects: members of a
-- space, the author of a message. fields is NULL of one that was deleted; its
-- row stays for a while, so that every node sees it by its revision, the one of
-- state in which the row changed last.
CREATE TABLE objects (
	kind     TEXT NOT NULL CHECK (kind != ''),
	id       TEXT NOT NULL CHECK (id != ''),
	fields   TEXT,
	changed  INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX objects_by_revision ON objects (revision);
CREATE INDEX objects_deleted ON objects (changed) WHERE fields IS NULL;

-- One row: how many objects there are and the bytes of their fields, and the
-- newest revision of a deleted one whose row is gone. A node that is behind it
-- reads all objects anew.
CREATE TABLE objects_state (
	one   INTEGER PRIMARY KEY CHECK (one = 1),
	live  INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	swept INTEGER NOT NULL
) STRICT;

INSERT INTO objects_state (one, live, bytes, swept) VALUES (1, 0, 0, 0);
