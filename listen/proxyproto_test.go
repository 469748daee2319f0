// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"testing"

	"durward"
	"durward/internal/again"
)

// v2 makes a version 2 header.
func v2(command, family byte, body ...[]byte) string {
	all := bytes.Join(body, nil)
	head := append([]byte(nil), proxySignature...)
	head = append(head, command, family)
	return string(append(binary.BigEndian.AppendUint16(head, uint16(len(all))), all...))
}

var (
	v4ends = []byte{1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x01, 0x01, 0xbb}
	v6ends = append(append(netip.MustParseAddr("2001:db8::7").AsSlice(), netip.MustParseAddr("2001:db8::8").AsSlice()...), 0x10, 0x01, 0x01, 0xbb)
	v6of4  = append(append(netip.MustParseAddr("::ffff:1.2.3.4").AsSlice(), netip.MustParseAddr("::1").AsSlice()...), 0x10, 0x01, 0x01, 0xbb)
)

func TestProxyHeaders(t *testing.T) {
	for name, tc := range map[string]struct {
		sent string
		want string // "" is an error, "kept" an address that stays
	}{
		"v1 over IPv4":                     {"PROXY TCP4 1.2.3.4 5.6.7.8 4097 443\r\n", "1.2.3.4:4097"},
		"v1 over IPv6":                     {"PROXY TCP6 2001:db8::7 2001:db8::8 4097 443\r\n", "[2001:db8::7]:4097"},
		"v1 of a mapped address":           {"PROXY TCP6 ::ffff:1.2.3.4 ::1 4097 443\r\n", "1.2.3.4:4097"},
		"v1 unknown":                       {"PROXY UNKNOWN\r\n", "kept"},
		"v1 unknown with rubbish":          {"PROXY UNKNOWN ffff::1 x 1 2\r\n", "kept"},
		"v1 of the greatest length":        {"PROXY UNKNOWN " + strings.Repeat("f", maxProxyV1-len("PROXY UNKNOWN ")-2) + "\r\n", "kept"},
		"v1 one byte longer":               {"PROXY UNKNOWN " + strings.Repeat("f", maxProxyV1-len("PROXY UNKNOWN ")-1) + "\r\n", ""},
		"v1 with a port of zero":           {"PROXY TCP4 1.2.3.4 5.6.7.8 0 443\r\n", "1.2.3.4:0"},
		"v1 with a port too large":         {"PROXY TCP4 1.2.3.4 5.6.7.8 65536 443\r\n", ""},
		"v1 with a leading zero":           {"PROXY TCP4 1.2.3.4 5.6.7.8 0443 443\r\n", ""},
		"v1 with a signed port":            {"PROXY TCP4 1.2.3.4 5.6.7.8 +443 443\r\n", ""},
		"v1 with an address of the other":  {"PROXY TCP4 2001:db8::7 5.6.7.8 1 443\r\n", ""},
		"v1 the other way round":           {"PROXY TCP6 1.2.3.4 5.6.7.8 1 443\r\n", ""},
		"v1 with a zone":                   {"PROXY TCP6 fe80::1%eth0 ::1 1 443\r\n", ""},
		"v1 with a name":                   {"PROXY TCP4 localhost 5.6.7.8 1 443\r\n", ""},
		"v1 with two spaces":               {"PROXY TCP4  1.2.3.4 5.6.7.8 1 443\r\n", ""},
		"v1 with too few parts":            {"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", ""},
		"v1 with too many parts":           {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", ""},
		"v1 of another family":             {"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", ""},
		"v1 in small letters":              {"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", ""},
		"v1 that ends in LF":               {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n" + strings.Repeat("x", 200), ""},
		"v1 that ends early":               {"PROXY TCP4 1.2.3.4", ""},
		"v2 over IPv4":                     {v2(0x21, 0x11, v4ends), "1.2.3.4:4097"},
		"v2 over IPv6":                     {v2(0x21, 0x21, v6ends), "[2001:db8::7]:4097"},
		"v2 of a mapped address":           {v2(0x21, 0x21, v6of4), "1.2.3.4:4097"},
		"v2 with extensions":               {v2(0x21, 0x11, v4ends, make([]byte, 200)), "1.2.3.4:4097"},
		"v2 local":                         {v2(0x20, 0x00), "kept"},
		"v2 local with addresses":          {v2(0x20, 0x11, v4ends), "kept"},
		"v2 of an unspecified family":      {v2(0x21, 0x00, make([]byte, 9)), "kept"},
		"v2 with too short an address":     {v2(0x21, 0x11, v4ends[:11]), ""},
		"v2 with a short IPv6 address":     {v2(0x21, 0x21, v6ends[:35]), ""},
		"v2 of a datagram":                 {v2(0x21, 0x12, v4ends), ""},
		"v2 of a Unix socket":              {v2(0x21, 0x31, make([]byte, 216)), ""},
		"v2 with an unknown command":       {v2(0x22, 0x11, v4ends), ""},
		"v2 of version 1":                  {v2(0x11, 0x11, v4ends), ""},
		"v2 that is too long":              {v2(0x21, 0x11, v4ends, make([]byte, maxProxyV2)), ""},
		"v2 that ends early":               {v2(0x21, 0x11, v4ends)[:20], ""},
		"a request":                        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		"nothing":                          {"", ""},
		"a signature that is nearly right": {"\r\n\r\n\x00\r\nQUIT\r" + "\x21\x11", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := strings.NewReader(tc.sent + "GET /")
			if tc.want == "" {
				r = strings.NewReader(tc.sent)
			}
			got, err := readProxyHeader(r)
			switch {
			case tc.want == "" && err == nil:
				t.Fatalf("taken as %v", got)
			case tc.want != "" && err != nil:
				t.Fatal(err)
			case tc.want == "":
				return
			case tc.want == "kept" && got.IsValid(), tc.want != "kept" && got.String() != tc.want:
				t.Errorf("got %v", got)
			}
			if rest, _ := io.ReadAll(r); string(rest) != "GET /" {
				t.Errorf("behind the header is %q", rest)
			}
		})
	}
}

func FuzzProxyHeader(f *testing.F) {
	for _, seed := range []string{
		"PROXY TCP4 1.2.3.4 5.6.7.8 4097 443\r\nGET", "PROXY UNKNOWN\r\n", v2(0x21, 0x11, v4ends), v2(0x21, 0x21, v6ends), v2(0x20, 0), "GET / HTTP/1.1\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		r := bytes.NewReader(sent)
		source, err := readProxyHeader(r)
		used := len(sent) - r.Len()
		if used > len(proxySignature)+4+maxProxyV2 {
			t.Fatalf("took %d bytes", used)
		}
		if err != nil {
			if source.IsValid() {
				t.Fatal("an address with an error")
			}
			return
		}
		if source.Addr().Is4In6() || source.Addr().Zone() != "" {
			t.Fatalf("address %v is not plain", source)
		}
		// The header alone, and in pieces, gives the same.
		again, err := readProxyHeader(io.LimitReader(iotestOneByte{bytes.NewReader(sent)}, int64(used)))
		if err != nil || again != source {
			t.Fatalf("%v, %v; first %v", again, err, source)
		}
	})
}

// iotestOneByte gives one byte at a time.
type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

func TestTheProxyProtocolIsForTrustedProxiesOnly(t *testing.T) {
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		out.Respond(text(200, x.In.Peer.Addr().String()), nil)
	})
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	const request = "GET / HTTP/1.1\nHost: a\nConnection: close\n\n"
	const header = "PROXY TCP4 1.2.3.4 5.6.7.8 4097 443\n"
	for name, tc := range map[string]struct {
		on      bool
		trusted []netip.Prefix
		sent    string
		want    string // "" is no answer but perhaps a 400
	}{
		"a trusted proxy's header counts":       {true, []netip.Prefix{loopback}, header + request, "1.2.3.4"},
		"a trusted proxy must send one":         {true, []netip.Prefix{loopback}, request, ""},
		"a trusted proxy must send it whole":    {true, []netip.Prefix{loopback}, "PROXY TCP4 1.2.3.4\n" + request, ""},
		"a second header is no request":         {true, []netip.Prefix{loopback}, header + header + request, ""},
		"a stranger's header is refused":        {true, nil, header + request, ""},
		"a stranger is served under his own":    {true, nil, request, "127.0.0.1"},
		"it is off unless it is configured":     {false, []netip.Prefix{loopback}, header + request, ""},
		"without it a proxy is served directly": {false, []netip.Prefix{loopback}, request, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			again.Try(t, func(t testing.TB) {
				_, address := start(t, h, Config{ProxyProtocol: tc.on, Limits: Limits{HeaderTimeout: milliseconds(500)}}, tc.trusted...)
				c := dial(t, address)
				c.send(tc.sent)
				if tc.want == "" {
					if rest, _ := c.ended(); strings.Contains(rest, "200 OK") {
						t.Errorf("served: %q", rest)
					}
					return
				}
				if resp, body := c.answer("GET"); resp.StatusCode != 200 || body != tc.want {
					t.Errorf("%s %q", resp.Status, body)
				}
			})
		})
	}
}

func TestAProxyThatSendsNothingIsClosed(t *testing.T) {
	s, address := start(t, says("never"), Config{ProxyProtocol: true, Limits: Limits{HeaderTimeout: milliseconds(200)}},
		netip.MustParsePrefix("127.0.0.0/8"))
	c := dial(t, address)
	c.send("PROXY TCP4")
	c.ended()
	awaitOpen(t, s, 0)
}
