// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package seal makes what is personal in audit records readable only with a key
// that can be destroyed, so that a person can be forgotten in a log from which
// nothing can be removed.
//
// # What it decides
//
// Whose key covers a record: that of the subject, or of the client's address
// where nobody was authenticated. Subject, credential, addresses, user agent and
// path become one ciphertext, and each name in a record of administration one under
// the key of whom it names; tags stay, by which the records of one subject or address
// are found. An address is an IPv4 address or an IPv6 /64, as one client is
// counted elsewhere.
//
// # Keys
//
//	master key (configuration or KMS) wraps the root key
//	root key     -- HKDF --> index key, wrapping key
//	index key    -- HMAC of kind and value --> the row of a subject or address
//	wrapping key -- AES-256-GCM --> data key, one a row, random
//	data key     -- HMAC of kind and value --> tag ("who", "from" of a record)
//	             -- HMAC of a salt --> AES-256-GCM key of one life in memory
//
// The tag depends on the data key, not on the master key alone: once the data
// key is destroyed, nobody can tell whose the tag was, not even who holds the
// master key and guesses the name. A later record of the same subject has a new
// key and another tag.
//
// # Nonces
//
// A data key encrypts nothing itself. Each time it is taken into memory, a key
// is derived from it and 16 random bytes, and the nonce is a counter from zero
// under that derived key, which never leaves the process. A nonce is used twice
// only if the same 128 random bits are drawn twice for one data key; there is no
// number of records after which a key is used up (the bound of NIST SP 800-38D
// section 8.3 on random nonces does not apply to a counter).
//
// Standards: AES-256-GCM (NIST SP 800-38D), HKDF-SHA-256 (RFC 5869),
// HMAC-SHA-256 (RFC 2104).
//
// # Threat
//
// Whoever reads the log, a copy or an export learns who called, from where and
// for which object. A right to be forgotten meets a log that must not change.
// Not covered: backups of the keys file bring an erased key back; they are the
// operator's. The time, operation and outcome of a record stay readable.
//
// # Failure policy
//
// A new key is on the disk before a record that needs it. While keys cannot be
// read or made, attempts are not stored, and follow audit.on_error; outcomes are
// stored without their personal fields, marked as withheld, and counted.
//
// # State
//
// The keys file, an SQLite database; in memory bounded caches of keys. A key that
// another process erased leaves them within a second.
package seal
