// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"encoding/xml"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"durward"
)

// What h2spec asks for and is answered otherwise, with what RFC 9113 allows.
// The rest of its 145 cases must pass.
var h2specExceptions = []string{
	// Cleartext only: it is a malformed request of HTTP/1.1, which the port
	// speaks as well, and gets a 400.
	"Sends invalid connection preface",
	// net/http refuses a SETTINGS frame that names a setting twice.
	"Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE",
	// A 400 in place of a reset.
	"Sends a HEADERS frame that contains the connection-specific header field",
	`Sends a HEADERS frame that contains the TE header field with any value other than "trailers"`,
	`Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length`,
}

func TestH2Spec(t *testing.T) {
	tool, err := exec.LookPath("h2spec")
	if err != nil {
		t.Skip("h2spec is not installed: go install github.com/summerwind/h2spec/cmd/h2spec@latest")
	}
	a := newAuthority(t)
	hello := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		if _, err := x.In.Body.Bytes(); err != nil {
			out.Respond(text(400, "content"), nil)
			return
		}
		out.Respond(text(200, "hello hello hello"), nil)
	})
	for name, cfg := range map[string]Config{"h2c": {}, "TLS": a.secure()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, address := start(t, hello, cfg)
			_, port, _ := net.SplitHostPort(address)
			file := filepath.Join(t.TempDir(), "report.xml")
			args := []string{"-h", "127.0.0.1", "-p", port, "-o", "2", "-j", file}
			if cfg.TLS != nil {
				args = append(args, "-t", "-k")
			}
			printed, _ := exec.Command(tool, args...).CombinedOutput()
			awaitOpen(t, s, 0)
			total, failed := h2specReport(t, file, printed)
			for _, f := range failed {
				if !slices.Contains(h2specExceptions, f) {
					t.Errorf("failed: %s", f)
				}
			}
			if total < 145 || len(failed) > 4 {
				t.Errorf("%d cases, %d failed", total, len(failed))
			}
			t.Logf("%d of %d cases passed; failed: %q", total-len(failed), total, failed)
		})
	}
}

// h2specReport reads the JUnit report of h2spec.
func h2specReport(t *testing.T, file string, printed []byte) (total int, failed []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("no report, but %s", printed)
	}
	var report struct {
		Suites []struct {
			Cases []struct {
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	for _, suite := range report.Suites {
		for _, c := range suite.Cases {
			if total++; c.Failure != nil || c.Error != nil {
				failed = append(failed, c.Name)
			}
		}
	}
	return total, failed
}
