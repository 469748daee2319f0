// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
)

// Config is one directory of the `directories` part of `authorize`: a file,
// HTTP look-ups or the store.
type Config struct {
	// File is a .yaml, .json or .csv file with all objects. It is read at load.
	File string `yaml:"file" path:"true"`
	// HTTP looks objects up where they are kept.
	HTTP *HTTPConfig `yaml:"http"`
	// Store takes objects from the gateway's store, where `durward object`
	// changes them. Types are shared by all APIs.
	Store bool `yaml:"store"`
}

// HTTPConfig says how objects are looked up by HTTP. A 200 carries one JSON
// object with the declared fields, a 404 says that there is no such object, and
// anything else is a failure.
type HTTPConfig struct {
	// URL of one object, with {type} and {id} in its path.
	URL string `yaml:"url"`
	// Token is sent as a bearer token, when it is set.
	Token string `yaml:"token" secret:"true"`
	// Timeout for one look-up; 500ms when it is not set, 10s at most.
	Timeout units.Duration `yaml:"timeout"`
	// TTL is how long an answer is used; 10s when it is not set, 1h at most. Who
	// leaves a space keeps the access for as long.
	TTL units.Duration `yaml:"ttl"`
	// NegativeTTL is how long "there is none" is used; 1s when it is not set.
	NegativeTTL units.Duration `yaml:"negative_ttl"`
	// Entries is how many answers are kept; 10000 when it is not set.
	Entries int `yaml:"entries"`
	// Concurrent is how many look-ups may be under way; 64 when it is not set.
	// Further ones fail.
	Concurrent int `yaml:"concurrent"`
	// MaxBytes is how large an answer may be; 1 MiB when it is not set.
	MaxBytes units.Bytes `yaml:"max_bytes"`
}

// Check reports every fault.
func (c *Config) Check() error {
	kinds := 0
	for _, set := range []bool{c.File != "", c.HTTP != nil, c.Store} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return durward.Invalid("", "needs one of file, http and store")
	case c.HTTP != nil:
		return durward.InvalidIn("http", c.HTTP.check())
	}
	return nil
}

func (c *HTTPConfig) check() error {
	var errs []error
	plain := strings.NewReplacer("{type}", "T", "{id}", "1").Replace(c.URL)
	u, err := url.Parse(plain)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "" || strings.ContainsAny(plain, "{}"):
		errs = append(errs, durward.Invalid("url", "must be an http or https URL, with {type} and {id} the only variables and no user"))
	case strings.Count(c.URL, "{id}") != 1:
		errs = append(errs, durward.Invalid("url", "must hold {id} once"))
	case !strings.Contains(c.URL, u.Host):
		errs = append(errs, durward.Invalid("url", "may have variables only behind the host"))
	}
	for _, d := range []struct {
		name string
		of   units.Duration
		most time.Duration
	}{{"timeout", c.Timeout, 10 * time.Second}, {"ttl", c.TTL, time.Hour}, {"negative_ttl", c.NegativeTTL, time.Hour}} {
		if t := time.Duration(d.of); t < 0 || t > d.most {
			errs = append(errs, durward.Invalid(d.name, "must be from 0 to %v", d.most))
		}
	}
	if c.Entries < 0 || c.Entries > 1_000_000 {
		errs = append(errs, durward.Invalid("entries", "must be from 1 to 1000000"))
	}
	if c.Concurrent < 0 || c.Concurrent > 10_000 {
		errs = append(errs, durward.Invalid("concurrent", "must be from 1 to 10000"))
	}
	if c.MaxBytes < 0 || c.MaxBytes > MaxFile {
		errs = append(errs, durward.Invalid("max_bytes", "must be from 1 to %d", MaxFile))
	}
	return errors.Join(errs...)
}

// withDefaults fills in what is not set.
func (c HTTPConfig) withDefaults() HTTPConfig {
	if c.Timeout == 0 {
		c.Timeout = units.Duration(500 * time.Millisecond)
	}
	if c.TTL == 0 {
		c.TTL = units.Duration(10 * time.Second)
	}
	if c.NegativeTTL == 0 {
		c.NegativeTTL = units.Duration(time.Second)
	}
	if c.Entries == 0 {
		c.Entries = 10_000
	}
	if c.Concurrent == 0 {
		c.Concurrent = 64
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 20
	}
	return c
}
