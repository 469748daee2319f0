// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"durward"
	"durward/internal/units"
)

var (
	testKey = bytes.Repeat([]byte{7}, keySize)
	began   = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
)

// exchange is a request of cy that was allowed.
func exchange(change func(*durward.Exchange)) *durward.Exchange {
	x := &durward.Exchange{ID: "r1", Started: began, Operation: &durward.Operation{API: "moot", ID: "listMessages"}}
	x.In = durward.Request{
		Method: "GET", Scheme: "https", Host: "api.example", RawPath: "/spaces/1", RawQuery: "limit=5", Proto: "HTTP/1.1",
		Header: durward.Header{{Name: "Host", Value: "api.example"}, {Name: "Accept", Value: "*/*"}},
		Peer:   netip.MustParseAddrPort("192.0.2.1:999"), Listener: ":8443",
	}
	x.In.Body.Init(nil, 0)
	x.Client.Address = netip.MustParseAddr("192.0.2.1")
	if change != nil {
		change(x)
	}
	return x
}

func open(t *testing.T, change func(*Config)) *Recorder {
	t.Helper()
	cfg := Config{Directory: filepath.Join(t.TempDir(), "rec"), Key: hex.EncodeToString(testKey)}
	if change != nil {
		change(&cfg)
	}
	n := began
	r, err := Open(cfg, []string{"X-Partner", "apikey"}, func() time.Time { n = n.Add(time.Second); return n }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func all(t *testing.T, r *Recorder) []Record {
	t.Helper()
	r.Flush()
	var found []Record
	if err := Read(r.cfg.Directory, testKey, func(one *Record) error { found = append(found, *one); return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatIsRecordedIsReadBack(t *testing.T) {
	r := open(t, nil)
	r.Exchange(exchange(func(x *durward.Exchange) {
		x.Principal = durward.Principal{Subject: "cy", Method: "jwt", Roles: []string{"member"}, Claims: []byte(`{"sub":"cy"}`)}
	}), "", "", "")
	r.Exchange(exchange(func(x *durward.Exchange) {
		x.Trail = []durward.Step{{Stage: "authz", Verdict: durward.Deny, Code: durward.CodeForbidden}}
	}), durward.CodeForbidden, "authz", "no role")
	want := []Record{{
		Time: began, ID: "r1", Method: "GET", Scheme: "https", Host: "api.example", Path: "/spaces/1", Query: "limit=5", Proto: "HTTP/1.1",
		Header: durward.Header{{Name: "Host", Value: "api.example"}, {Name: "Accept", Value: "*/*"}},
		Peer:   netip.MustParseAddrPort("192.0.2.1:999"), Client: netip.MustParseAddr("192.0.2.1"), Listener: ":8443",
		API: "moot", Op: "listMessages", Decision: Decision{Allowed: true},
		Who: &Who{Subject: "cy", Method: "jwt", Roles: []string{"member"}, Claims: []byte(`{"sub":"cy"}`)},
	}}
	second := want[0]
	second.Who, second.Decision = nil, Decision{Code: durward.CodeForbidden, Stage: "authz", Reason: "no role"}
	if diff := cmp.Diff(append(want, second), all(t, r), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
	if p := want[0].Who.Principal(); p.Subject != "cy" || !p.Known() {
		t.Errorf("%+v", p)
	}
}

func TestAFaultOfTheUpstreamIsNoRefusal(t *testing.T) {
	r := open(t, nil)
	r.Exchange(exchange(func(x *durward.Exchange) {
		x.Trail = []durward.Step{{Stage: "upstream", Verdict: durward.Deny, Code: durward.CodeUpstreamTimeout}}
	}), durward.CodeUpstreamTimeout, "upstream", "slow")
	if got := all(t, r); len(got) != 1 || !got[0].Decision.Allowed {
		t.Errorf("%+v", got)
	}
}

// TestNoCredentialIsKept looks into the records for what must not be there.
func TestNoCredentialIsKept(t *testing.T) {
	const canary = "s3cr3t-canary"
	r := open(t, func(c *Config) { c.Redact = []string{"X-Note", "q"} })
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Auth-Request-Access-Token", "X-Session-Id",
		"X-Csrf-Token", "Dpop", "Signature", "X-Partner", "x-note", "My-Password", "X-Forwarded-Client-Cert", "SAML-Assertion",
	} {
		x := exchange(func(x *durward.Exchange) { x.In.Header.Add(durward.CanonicalName(name), canary) })
		r.Exchange(x, "", "", "")
	}
	for _, name := range []string{"access_token", "api_key", "apikey", "q", "password", "%61pikey", "client_secret", "code", "sid"} {
		x := exchange(func(x *durward.Exchange) { x.In.RawQuery = "a=1&" + name + "=" + canary + "&b=2" })
		r.Exchange(x, "", "", "")
	}
	x := exchange(func(x *durward.Exchange) {
		x.In.Body.Init(strings.NewReader(canary), int64(len(canary)))
		_ = x.In.Body.SetLimit(1 << 20)
		if _, err := x.In.Body.Bytes(); err != nil {
			t.Fatal(err)
		}
	})
	r.Exchange(x, "", "", "")
	found := all(t, r)
	for i, one := range found {
		if strings.Contains(fmt.Sprintf("%+v", one), canary) {
			t.Errorf("record %d: %+v", i, one)
		}
		if !one.Presents && i < len(found)-1 {
			t.Errorf("record %d does not tell that there was a credential", i)
		}
	}
	names, _ := files(r.cfg.Directory)
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(r.cfg.Directory, name))
		if err != nil || bytes.Contains(data, []byte("api.example")) {
			t.Errorf("%s is readable without the key: %v", name, err)
		}
		if info, _ := os.Stat(filepath.Join(r.cfg.Directory, name)); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestContentIsKeptWhereItIsAskedFor(t *testing.T) {
	r := open(t, func(c *Config) { c.MaxBody = 4 })
	for _, text := range []string{"four", "fives"} {
		x := exchange(func(x *durward.Exchange) {
			x.In.Body.Init(strings.NewReader(text), int64(len(text)))
			_ = x.In.Body.SetLimit(1 << 20)
			if _, err := x.In.Body.Bytes(); err != nil {
				t.Fatal(err)
			}
		})
		r.Exchange(x, "", "", "")
	}
	got := all(t, r)
	if string(got[0].Body) != "four" || got[1].Body != nil || got[1].Length != 5 {
		t.Errorf("%q, %q of %d", got[0].Body, got[1].Body, got[1].Length)
	}
}

func TestFilesAreBounded(t *testing.T) {
	r := open(t, func(c *Config) { c.MaxSize = leastSize })
	big := strings.Repeat("x", maxField)
	for range 400 {
		r.Exchange(exchange(func(x *durward.Exchange) { x.In.Header.Add("X-Big", big) }), "", "", "")
		r.Flush()
	}
	var total int64
	names, err := files(r.cfg.Directory)
	for _, name := range names {
		info, err := os.Stat(filepath.Join(r.cfg.Directory, name))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if err != nil || total > leastSize || total < leastSize/2 {
		t.Errorf("%d files of %d bytes in all, %v", len(names), total, err)
	}
	if written, dropped := r.Stats(); written != 400 || dropped != 0 {
		t.Errorf("%d written, %d dropped", written, dropped)
	}
	all(t, r)
}

func TestARecordingThatWasChangedIsFoundOut(t *testing.T) {
	r := open(t, nil)
	for range 3 {
		r.Exchange(exchange(nil), "", "", "")
	}
	r.Close()
	names, err := files(r.cfg.Directory)
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	data, err := os.ReadFile(filepath.Join(r.cfg.Directory, names[0]))
	if err != nil {
		t.Fatal(err)
	}
	count := func(data, key []byte) (n int, err error) {
		err = readFrom(bytes.NewReader(data), key, func(*Record) error { n++; return nil })
		return n, err
	}
	head := len(magic) + saltSize
	entry := (len(data) - head) / 3
	for name, row := range map[string]struct {
		data, key []byte
		n         int
		err       error
	}{
		"whole":            {data, testKey, 3, nil},
		"torn":             {data[:len(data)-1], testKey, 2, nil},
		"nothing":          {nil, testKey, 0, nil},
		"another key":      {data, bytes.Repeat([]byte{8}, keySize), 0, ErrKey},
		"a bit":            {append(append([]byte{}, data[:head+40]...), append([]byte{data[head+40] ^ 1}, data[head+41:]...)...), testKey, 0, ErrKey},
		"one taken out":    {append(append([]byte{}, data[:head+entry]...), data[head+2*entry:]...), testKey, 1, ErrKey},
		"something else":   {[]byte(strings.Repeat("no recording ", 9)), testKey, 0, ErrFormat},
		"an absurd length": {append(append([]byte{}, data[:head]...), 0xff, 0xff, 0xff, 0xff), testKey, 0, ErrFormat},
	} {
		if n, err := count(row.data, row.key); n != row.n || !errors.Is(err, row.err) || err != nil && row.err == nil {
			t.Errorf("%s: %d records, %v", name, n, err)
		}
	}
}

func TestARecorderNeverHoldsUpARequest(t *testing.T) {
	r := open(t, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				r.Exchange(exchange(nil), "", "", "")
			}
		})
	}
	wg.Wait()
	r.Close()
	if written, dropped := r.Stats(); written+dropped != 8000 || written == 0 {
		t.Errorf("%d written, %d dropped", written, dropped)
	}
	r.Exchange(exchange(nil), "", "", "") // after the end
	r.Flush()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	var none *Recorder
	none.Exchange(exchange(nil), "", "", "")
	none.Flush()
	if written, _ := none.Stats(); written != 0 || none.Close() != nil {
		t.Error("a nil recorder does something")
	}
}

func TestADiskThatCannotBeWrittenDropsRecords(t *testing.T) {
	r := open(t, nil)
	if err := os.RemoveAll(r.cfg.Directory); err != nil {
		t.Fatal(err)
	}
	r.Exchange(exchange(nil), "", "", "")
	r.Flush()
	if _, dropped := r.Stats(); dropped != 1 {
		t.Errorf("%d dropped", dropped)
	}
}

func TestConfigCheckNamesEveryFault(t *testing.T) {
	key := hex.EncodeToString(testKey)
	for name, row := range map[string]struct {
		cfg  Config
		want string
	}{
		"off":                {Config{}, ""},
		"good":               {Config{Directory: "d", Key: key, MaxBody: 1 << 10}, ""},
		"no key":             {Config{Directory: "d"}, "key: must be 32 bytes"},
		"short key":          {Config{Directory: "d", Key: "abcd"}, "key: must be 32 bytes"},
		"no directory":       {Config{Key: key}, "directory: is missing"},
		"too small":          {Config{Directory: "d", Key: key, MaxSize: 1}, "max_size: must be at least 1MiB"},
		"contents too large": {Config{Directory: "d", Key: key, MaxBody: units.Bytes(2 << 20)}, "max_body: must be at most 1MiB"},
	} {
		err := row.cfg.Check()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("%s: the error tells the key", name)
		}
	}
}

func TestDifferencesAreGrouped(t *testing.T) {
	refusal := Decision{Code: durward.CodeForbidden, Stage: "authz", Reason: "no role"}
	now := map[string]Decision{"same": {Allowed: true}, "tighter": refusal, "looser": {Allowed: true}}
	c := Compare(func(r *Record) Decision { return now[r.Op] })
	for i := range 6 {
		for _, op := range []string{"same", "tighter", "looser"} {
			r := &Record{ID: fmt.Sprint(op, i), API: "a", Op: op, Decision: Decision{Allowed: op != "looser", Code: "", Stage: ""}}
			if op == "looser" {
				if i > 0 {
					continue
				}
				r.Decision = Decision{Code: durward.CodeForbidden, Stage: "authz", Reason: "another"}
			}
			if err := c.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := c.Summary()
	if s.Records != 13 || s.Same != 6 || len(s.Groups) != 2 || !s.Groups[0].Weaker() || s.Groups[0].Count != 1 || s.Groups[1].Count != 6 {
		t.Fatalf("%+v", s)
	}
	if diff := cmp.Diff([]string{"tighter0", "tighter1", "tighter2"}, s.Groups[1].Examples); diff != "" {
		t.Error(diff)
	}
	if got := s.Groups[1].Before.String() + ", " + s.Groups[1].After.String(); got != "allowed, refused by authz (forbidden)" {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	var buf bytes.Buffer
	dir := f.TempDir()
	w, err := createFile(filepath.Join(dir, "a"+suffix), testKey)
	if err != nil {
		f.Fatal(err)
	}
	r := newRecord(exchange(nil), "", "", "", soundsSecret, 0)
	if err := errors.Join(w.write(r), w.close()); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "a"+suffix))
	if err != nil {
		f.Fatal(err)
	}
	buf.Write(data)
	f.Add(buf.Bytes())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		_ = readFrom(bytes.NewReader(data), testKey, func(*Record) error { n++; return nil })
		if n > 0 && !bytes.HasPrefix(data, []byte(magic)) {
			t.Error("read a record of something else")
		}
	})
}
