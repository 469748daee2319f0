// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package replay keeps a bounded record of exchanges, and tells which of them
// another configuration would decide differently.
//
// A [Recorder] follows the pipeline: for each exchange it keeps what the
// decision was made from, as far as that is no secret, and the decision. It
// never holds up a request: what cannot be written in time is dropped and
// counted. [Read] gives the records back, and [Compare] puts each to a judge.
//
// Threats: a record that tells credentials, so every field and parameter that
// carries one, or whose name sounds like one, is left out, and so are cookies
// and, unless asked for, contents; somebody who reads the files, so they are
// encrypted (AES-256-GCM, a key for each file by HKDF-SHA-256, RFC 5869) and
// readable by their owner only; somebody who changes them, who is found out; a
// disk that fills, so the oldest files go.
//
// Failure policy: a recorder that cannot write drops records, counts them and
// says so once in the log; requests are not affected.
//
// State kept: the files, and a queue of bounded length.
package replay
