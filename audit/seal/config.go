// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"slices"
	"strconv"

	"durward"
)

// What can be sealed.
const (
	FieldSubject   = "subject"
	FieldAddress   = "address"
	FieldUserAgent = "user_agent"
	FieldPath      = "path"
)

// Config is the `seal:` part of the audit log: personal fields of records are
// encrypted with a key for each subject, which can be destroyed. Its zero value
// seals nothing.
type Config struct {
	// MasterKey protects the keys of subjects: 32 random bytes in base64 or
	// hexadecimal digits, best from ${file:PATH} or ${VAR}. With it, or kms, records
	// are sealed. Whoever loses it can no longer read them.
	MasterKey string `yaml:"master_key" secret:"true"`
	// KMS keeps the master key elsewhere, in place of master_key.
	KMS *KMS `yaml:"kms"`
	// Fields are what is sealed: subject, address (of client and peer),
	// user_agent, path. Default all of them.
	Fields []string `yaml:"fields" enum:"subject,address,user_agent,path"`
	// ObjectIDs are names of path parameters that are sealed where path is not
	// one of the fields: the record has {name} in their place. "*" is all.
	ObjectIDs []string `yaml:"object_ids"`
	// Keys is the file of the keys, made when absent, for its owner only. Who
	// wants to erase for good keeps no old copy of it. Default: the directory's
	// path with .keys behind it.
	Keys string `yaml:"keys" path:"true"`
}

// KMS is a key management service with the interface of HashiCorp Vault's
// transit engine, which OpenBao has too. It is asked at the start and for a change of the
// master key, never for a request.
type KMS struct {
	// URL is the engine's address: https://vault.example.com:8200/v1/transit
	URL string `yaml:"url"`
	// Key is the name of the key there.
	Key string `yaml:"key"`
	// Token is what the gateway shows to the service.
	Token string `yaml:"token" secret:"true"`
	// CA is a file of the authorities that may have signed the service's
	// certificate. Default those of the system.
	CA string `yaml:"ca" path:"true"`
}

// On tells whether records are sealed.
func (c *Config) On() bool { return c.MasterKey != "" || c.KMS != nil }

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	var faults []error
	if c.MasterKey != "" {
		if c.KMS != nil {
			faults = append(faults, durward.Invalid("kms", "must not be given beside master_key"))
		}
		if _, err := ParseKey(c.MasterKey); err != nil {
			faults = append(faults, durward.Invalid("master_key", "%v", err))
		}
	}
	if c.KMS != nil {
		faults = append(faults, durward.InvalidIn("kms", c.KMS.check()))
	}
	known := []string{FieldSubject, FieldAddress, FieldUserAgent, FieldPath}
	for i, f := range c.Fields {
		if !slices.Contains(known, f) {
			faults = append(faults, durward.Invalid("fields["+strconv.Itoa(i)+"]", "must be subject, address, user_agent or path"))
		}
	}
	for i, name := range c.ObjectIDs {
		if name == "" {
			faults = append(faults, durward.Invalid("object_ids["+strconv.Itoa(i)+"]", "must be the name of a path parameter, or *"))
		}
	}
	if !c.On() && (len(c.Fields) > 0 || len(c.ObjectIDs) > 0 || c.Keys != "") {
		faults = append(faults, durward.Invalid("master_key", "must be given, or kms: without it nothing is sealed"))
	}
	return errors.Join(faults...)
}

func (k *KMS) check() error {
	var faults []error
	u, err := url.Parse(k.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		faults = append(faults, durward.Invalid("url", "must be an https URL without credentials and query; http only to this machine"))
	}
	if k.Key == "" || url.PathEscape(k.Key) != k.Key {
		faults = append(faults, durward.Invalid("key", "must be the name of a key, as it stands in a path"))
	}
	if k.Token == "" {
		faults = append(faults, durward.Invalid("token", "must be given"))
	}
	return errors.Join(faults...)
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// pool reads the authorities; nil for those of the system.
func (k *KMS) pool() (*x509.CertPool, error) {
	if k.CA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(k.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca: the file holds no certificate in PEM form")
	}
	return pool, nil
}

// fields tells which of them are sealed.
func (c *Config) sealed(field string) bool {
	return len(c.Fields) == 0 || slices.Contains(c.Fields, field)
}
