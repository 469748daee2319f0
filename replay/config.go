// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/base64"
	"encoding/hex"
	"errors"

	"durward"
	"durward/internal/units"
)

// Config is the `recorder:` section: the record of exchanges that
// `durward replay` reads. Without a directory nothing is recorded.
type Config struct {
	// Directory is where the files go. It is made with mode 0700 when it is
	// not there.
	Directory string `yaml:"directory" path:"true"`
	// Key is what the files are encrypted with: 32 bytes in base64 or hex,
	// such as `openssl rand -base64 32` gives. Required with Directory.
	Key string `yaml:"key" secret:"true"`
	// MaxSize bounds all files together; the oldest go first. Default 256MiB,
	// at least 1MiB.
	MaxSize units.Bytes `yaml:"max_size"`
	// MaxBody is how large a request's content may be to be kept. 0 keeps
	// none: contents are personal more often than not. At most 1MiB.
	MaxBody units.Bytes `yaml:"max_body"`
	// Redact are more fields and parameters that are never kept, beside those
	// that carry credentials or sound like it.
	Redact []string `yaml:"redact"`
}

const (
	keySize     = 32
	defaultSize = 256 << 20
	leastSize   = 1 << 20
	mostBody    = 1 << 20
)

// Enabled tells whether anything is recorded.
func (c *Config) Enabled() bool { return c.Directory != "" }

// Check reports every fault.
func (c *Config) Check() error {
	var errs []error
	switch {
	case !c.Enabled() && c.Key != "":
		errs = append(errs, durward.Invalid("directory", "is missing, so that nothing would be recorded"))
	case c.Enabled():
		if _, err := ParseKey(c.Key); err != nil {
			errs = append(errs, durward.Invalid("key", "%v", err))
		}
	}
	if c.MaxSize != 0 && c.MaxSize < leastSize {
		errs = append(errs, durward.Invalid("max_size", "must be at least 1MiB"))
	}
	if c.MaxBody < 0 || c.MaxBody > mostBody {
		errs = append(errs, durward.Invalid("max_body", "must be at most 1MiB"))
	}
	return errors.Join(errs...)
}

var errKey = errors.New("must be 32 bytes in base64 or hex")

// ParseKey reads the key of a recording.
func ParseKey(text string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if b, err := decode(text); err == nil && len(b) == keySize {
			return b, nil
		}
	}
	return nil, errKey
}
