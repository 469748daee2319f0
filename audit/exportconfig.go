// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"durward"
	"durward/internal/units"
)

// Types of an Export.
const (
	ExportJSONL   = "jsonl"
	ExportCSV     = "csv"
	ExportSyslog  = "syslog"
	ExportOTLP    = "otlp"
	ExportWebhook = "webhook"
)

// Export is one entry of `export:`: where each record is told again, at least
// once.
type Export struct {
	// Name tells exports apart, in metrics and in the name of the file that says
	// how far it is: a-z, 0-9, _ and -. Under another name it begins anew.
	Name string `yaml:"name"`
	// Type says how: jsonl (a file of JSON lines), csv (a file), syslog (RFC 5424
	// over TLS), otlp (OpenTelemetry logs over HTTP) or webhook (signed, as
	// Standard Webhooks says).
	Type string `yaml:"type" enum:"jsonl,csv,syslog,otlp,webhook"`
	// Path is the file of jsonl and csv; empty is standard output.
	Path string `yaml:"path" path:"true"`
	// MaxFile is the size from which that file is put aside, as PATH.1, PATH.2.
	// Default 64MiB, at least 4KiB.
	MaxFile units.Bytes `yaml:"max_file"`
	// KeepFiles is how many that were put aside are kept. Default 5.
	KeepFiles int `yaml:"keep_files"`
	// Address is the host:port of a syslog server.
	Address string `yaml:"address"`
	// Plaintext speaks to the syslog server without TLS: who can read or write
	// the line can read and change what is sent.
	Plaintext bool `yaml:"plaintext"`
	// URL is where otlp and webhook post to: https, or http to this machine. OTLP
	// collectors take logs at /v1/logs.
	URL string `yaml:"url"`
	// CA is a file with the authorities of the server's certificate. Default:
	// those of the system.
	CA string `yaml:"ca" path:"true"`
	// Authorization is the value of the header of that name, for otlp.
	Authorization string `yaml:"authorization" secret:"true"`
	// Secret signs what a webhook gets: whsec_ and 24 to 64 bytes in base64.
	Secret string `yaml:"secret" secret:"true"`
}

const (
	maxExports        = 16
	webhookPrefix     = "whsec_"
	leastSecret       = 24
	mostSecret        = 64
	leastExportedFile = 4 << 10
)

var exportName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// WebhookKey gives the key in a webhook's secret.
func (e *Export) WebhookKey() ([]byte, bool) {
	text, ok := strings.CutPrefix(e.Secret, webhookPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	return key, ok && err == nil && len(key) >= leastSecret && len(key) <= mostSecret
}

func checkExports(all []Export) error {
	var faults []error
	if len(all) > maxExports {
		faults = append(faults, durward.Invalid("export", "must be at most %d", maxExports))
	}
	for i := range all {
		at := "export[" + strconv.Itoa(i) + "]"
		if slices.ContainsFunc(all[:i], func(other Export) bool { return other.Name == all[i].Name }) {
			faults = append(faults, durward.Invalid(at+".name", "is there twice"))
		}
		if err := all[i].check(); err != nil {
			faults = append(faults, durward.InvalidIn(at, err))
		}
	}
	return errors.Join(faults...)
}

func (e *Export) check() error {
	var faults []error
	bad := func(field, reason string) { faults = append(faults, durward.Invalid(field, "%s", reason)) }
	if !exportName.MatchString(e.Name) {
		bad("name", "must be 1 to 64 of a-z, 0-9, _ and -")
	}
	if e.MaxFile != 0 && e.MaxFile < leastExportedFile {
		bad("max_file", "must be at least 4KiB")
	}
	if e.KeepFiles < 0 || e.KeepFiles > 1000 {
		bad("keep_files", "must be from 0 to 1000")
	}
	switch e.Type {
	case ExportJSONL, ExportCSV:
	case ExportSyslog:
		if host, port, err := net.SplitHostPort(e.Address); err != nil || host == "" || port == "" {
			bad("address", "must be host:port")
		}
	case ExportOTLP, ExportWebhook:
		if !exportURL(e.URL) {
			bad("url", "must be an https URL without user and fragment; http only to this machine")
		}
		if _, ok := e.WebhookKey(); e.Type == ExportWebhook && !ok {
			bad("secret", "must be whsec_ and 24 to 64 bytes in base64")
		}
	default:
		bad("type", "must be jsonl, csv, syslog, otlp or webhook")
		return errors.Join(faults...)
	}
	return errors.Join(append(faults, e.strange()...)...)
}

// strange finds fields that say nothing for the type.
func (e *Export) strange() (faults []error) {
	for _, f := range []struct {
		field string
		set   bool
		types string
	}{
		{"path", e.Path != "", "jsonl csv"}, {"max_file", e.MaxFile != 0, "jsonl csv"}, {"keep_files", e.KeepFiles != 0, "jsonl csv"},
		{"address", e.Address != "", "syslog"}, {"plaintext", e.Plaintext, "syslog"}, {"url", e.URL != "", "otlp webhook"},
		{"ca", e.CA != "", "syslog otlp webhook"}, {"authorization", e.Authorization != "", "otlp"}, {"secret", e.Secret != "", "webhook"},
	} {
		if f.set && !slices.Contains(strings.Fields(f.types), e.Type) {
			faults = append(faults, durward.Invalid(f.field, "is only for %s", strings.ReplaceAll(f.types, " ", " and ")))
		}
	}
	if e.CA != "" && e.Plaintext {
		faults = append(faults, durward.Invalid("ca", "is of no use with plaintext"))
	}
	return faults
}

// exportURL keeps records from going over a line that others can read.
func exportURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" || strings.HasSuffix(s, "#") {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := err == nil && ip.IsLoopback() || u.Hostname() == "localhost"
	return u.Scheme == "https" || u.Scheme == "http" && here
}
