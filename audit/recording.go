// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import "durward"

// How the attempts of an operation are recorded, where that is said for it.
const (
	// Required waits until the record is on the disk, also in a log that is
	// buffered, and refuses the request when it cannot be, whatever
	// Config.OnError says.
	Required = "required"
	// Buffered waits until the operating system has the record, also in a log
	// that syncs each group.
	Buffered = "buffered"
)

// CheckRecording refuses what is neither of them nor empty.
func CheckRecording(field, recording string) error {
	switch recording {
	case "", Required, Buffered:
		return nil
	}
	return durward.Invalid(field, "must be required or buffered")
}

// Recording gives what holds for an operation: of the words of the operation, of
// its API and of the log, the first that is said.
func (c *Config) Recording(operation, api string) string {
	switch {
	case operation != "":
		return operation
	case api != "":
		return api
	case c.Durability == DurabilityBuffered:
		return Buffered
	}
	return Required
}

// Window says which records of a recording a crash can lose, of those whose
// requests went on. Outcomes wait for nothing: a crash of the gateway loses those
// of the last moment (linger, and a write).
func Window(recording string) string {
	if recording == Buffered {
		return "a crash of the gateway loses none, one of the machine up to those of the last second"
	}
	return "none is lost"
}

// patience is what an attempt of a recording waits for; "" is as the log has it.
func (l *Log) patience(recording string) patience {
	if l.cfg.Recording(recording, "") == Buffered {
		return waitWritten
	}
	return waitSynced
}

// OnErrorOf is what the runner does when an attempt of a recording cannot be
// stored.
func (l *Log) OnErrorOf(recording string) durward.OnError {
	if l == nil || recording == Required {
		return durward.DenyOnError
	}
	return l.cfg.OnError
}
