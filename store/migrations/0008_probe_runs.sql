-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Runs of security tests. A row is made when a run begins, so that of several
-- nodes one alone makes it; finished is 0 until it has ended. The report is
-- JSON, compressed by gzip. Changing it raises no revision.
CREATE TABLE probe_runs (
	id       INTEGER PRIMARY KEY,
	job      TEXT NOT NULL CHECK (job != ''),
	trigger  TEXT NOT NULL, -- what began it: a time, or a configuration's fingerprint
	started  INTEGER NOT NULL,
	finished INTEGER NOT NULL DEFAULT 0,
	outcome  TEXT NOT NULL DEFAULT '',
	summary  TEXT NOT NULL DEFAULT '',
	report   BLOB,
	UNIQUE (job, trigger)
) STRICT;
