-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Revisions of the configuration. A bundle is a document with the files that
-- travel with it, as they were written: what ${...} stands for is never here.
CREATE TABLE bundles (
	fingerprint TEXT PRIMARY KEY CHECK (length(fingerprint) = 64),
	document    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Contents, by their SHA-256: most revisions share their contracts.
CREATE TABLE contents (
	sum     BLOB PRIMARY KEY CHECK (length(sum) = 32),
	content BLOB NOT NULL
) STRICT;

CREATE TABLE bundle_files (
	fingerprint TEXT NOT NULL REFERENCES bundles (fingerprint) ON DELETE CASCADE,
	name        TEXT NOT NULL,
	sum         BLOB NOT NULL REFERENCES contents (sum),
	PRIMARY KEY (fingerprint, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX bundle_files_by_sum ON bundle_files (sum);

-- No reference to bundles: the contents of very old revisions are dropped.
CREATE TABLE revisions (
	number      INTEGER PRIMARY KEY CHECK (number > 0),
	fingerprint TEXT NOT NULL,
	author      TEXT NOT NULL,
	message     TEXT NOT NULL,
	made        INTEGER NOT NULL,
	compared    INTEGER NOT NULL,
	restores    INTEGER NOT NULL,
	weaker      INTEGER NOT NULL CHECK (weaker IN (0, 1)),
	labels      TEXT NOT NULL,
	state       TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'active', 'superseded', 'rejected')),
	decided_by  TEXT NOT NULL DEFAULT '',
	decided     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- At most one is in force, and at most one is on its way to be.
CREATE UNIQUE INDEX revisions_in_force ON revisions (state) WHERE state IN ('active', 'approved');

-- What was done, by whom. number is 0 for what is about no revision.
CREATE TABLE revision_events (
	id     INTEGER PRIMARY KEY,
	number INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	author TEXT NOT NULL,
	what   TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;

CREATE INDEX revision_events_by_number ON revision_events (number);

-- One row: which revisions need somebody else's approval.
CREATE TABLE revision_rules (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	approval TEXT NOT NULL CHECK (approval IN ('weaker', 'all', 'none'))
) STRICT;

INSERT INTO revision_rules (one, approval) VALUES (1, 'weaker');
