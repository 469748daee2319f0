// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"time"

	"durward"
	"durward/audit/seal"
	"durward/internal/units"
)

// How long an attempt waits.
const (
	// DurabilityGroup waits until the record and all that came with it are
	// written and synced to the disk.
	DurabilityGroup = "group"
	// DurabilityBuffered waits until the record was handed to the operating
	// system, which syncs each second: a crash of the machine, not of the
	// gateway, can lose the last second.
	DurabilityBuffered = "buffered"
)

// What becomes of files that are ended.
const (
	CompressZstd = "zstd"
	CompressNone = "none"
)

// DefaultDirectory is used when the configuration names none.
const DefaultDirectory = "audit"

const (
	defaultMaxFile     = 64 << 20
	defaultMaxQueue    = 8192
	defaultFloodWindow = 10 * time.Second
	maxQueueBytes      = 32 << 20
)

// Config says where and how the audit log is kept. Its zero value stores
// synced records in ./audit and refuses requests that cannot be recorded.
type Config struct {
	// Directory holds the log's files; it is made when absent, for its owner
	// only. Default: audit.
	Directory string `yaml:"directory" path:"true"`
	// Durability says what an attempt waits for: "group" (default), until its
	// group of records is written and synced to the disk; "buffered", until
	// the operating system has it, which is synced each second. APIs and
	// operations can say otherwise for their requests: audit.
	Durability string `yaml:"durability" enum:"group,buffered"`
	// OnError says what happens to a request whose attempt cannot be stored:
	// deny (default) or proceed, which only counts it. Operations whose audit is
	// required deny in either case.
	OnError durward.OnError `yaml:"on_error"`
	// MaxFile is the size after which a new file is begun; the chain goes on.
	// Default 64MiB, at least 4KiB.
	MaxFile units.Bytes `yaml:"max_file"`
	// Compress says what becomes of files that are ended: zstd (default)
	// compresses them, which the commands of durward audit read all the same;
	// none leaves them as they are.
	Compress string `yaml:"compress" enum:"zstd,none"`
	// KeepFiles is how many files are kept; older ones are removed, which is
	// recorded. Default 0: all.
	KeepFiles int `yaml:"keep_files"`
	// KeepFor is how long a file is kept after its last record. Default 0: for
	// ever.
	KeepFor units.Duration `yaml:"keep_for"`
	// MaxQueue is how many records may wait for the disk. Attempts may use
	// half of it, so that the outcomes of running requests find room. Default
	// 8192, at least 16.
	MaxQueue int `yaml:"max_queue"`
	// StageTimes says which durations of stages are in the record of an
	// outcome: all (default), slow (of a millisecond and more) or off.
	StageTimes string `yaml:"stage_times" enum:"all,slow,off"`
	// Checkpoints commit to the records, so that a change of any of them shows.
	Checkpoints Checkpoints `yaml:"checkpoints"`
	// Index lets records be found without reading the whole log.
	Index Index `yaml:"index"`
	// Export tells the records to other systems.
	Export []Export `yaml:"export"`
	// Seal makes what is personal in records readable only with a key that can
	// be destroyed. Without a master key nothing is sealed.
	Seal seal.Config `yaml:"seal"`
	// FloodWindow is the time in which the refusals of one client for one
	// reason at one operation before authentication become one record, after
	// the first that are written in full: one by a limit, up to 16 of others.
	// An IPv6 client's /64 counts as one client. Default 10s.
	FloodWindow units.Duration `yaml:"flood_window"`
}

// Index is the `index:` part of the audit log: a database beside it that
// `durward audit search` asks. It follows the log and can be made anew from it.
type Index struct {
	// Off keeps none: each search then reads the whole log.
	Off bool `yaml:"off"`
	// Path is the database. Default: index.db in the log's directory.
	Path string `yaml:"path" path:"true"`
}

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	var faults []error
	switch c.Durability {
	case "", DurabilityGroup, DurabilityBuffered:
	default:
		faults = append(faults, durward.Invalid("durability", "must be group or buffered"))
	}
	switch c.Compress {
	case "", CompressZstd, CompressNone:
	default:
		faults = append(faults, durward.Invalid("compress", "must be zstd or none"))
	}
	switch c.StageTimes {
	case "", StagesAll, StagesSlow, StagesOff:
	default:
		faults = append(faults, durward.Invalid("stage_times", "must be all, slow or off"))
	}
	if c.MaxFile != 0 && c.MaxFile < 4<<10 {
		faults = append(faults, durward.Invalid("max_file", "must be at least 4KiB"))
	}
	if c.KeepFiles < 0 || c.KeepFiles == 1 {
		faults = append(faults, durward.Invalid("keep_files", "must be 0 (all) or at least 2"))
	}
	if c.MaxQueue != 0 && (c.MaxQueue < 16 || c.MaxQueue > 1<<20) {
		faults = append(faults, durward.Invalid("max_queue", "must be from 16 to 1048576"))
	}
	faults = append(faults, checkExports(c.Export))
	if err := c.Checkpoints.check(); err != nil {
		faults = append(faults, durward.InvalidIn("checkpoints", err))
	}
	if err := c.Seal.Check(); err != nil {
		faults = append(faults, durward.InvalidIn("seal", err))
	}
	if d := c.FloodWindow.Std(); d != 0 && (d < time.Second || d > time.Hour) {
		faults = append(faults, durward.Invalid("flood_window", "must be from 1s to 1h"))
	}
	return errors.Join(faults...)
}

// withDefaults fills in what was not set.
func (c Config) withDefaults() Config {
	if c.Directory == "" {
		c.Directory = DefaultDirectory
	}
	if c.Durability == "" {
		c.Durability = DurabilityGroup
	}
	if c.MaxFile == 0 {
		c.MaxFile = defaultMaxFile
	}
	if c.MaxQueue == 0 {
		c.MaxQueue = defaultMaxQueue
	}
	if c.Checkpoints.Interval == 0 {
		c.Checkpoints.Interval = units.Duration(defaultInterval)
	}
	if c.Checkpoints.Key == "" {
		c.Checkpoints.Key = c.Directory + ".key"
	}
	if c.Seal.Keys == "" {
		c.Seal.Keys = c.Directory + ".keys"
	}
	if c.FloodWindow == 0 {
		c.FloodWindow = units.Duration(defaultFloodWindow)
	}
	return c
}
