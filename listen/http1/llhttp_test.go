// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// llhttp is a server of Node, whose parser is llhttp, that answers with what
// it read.
const llhttp = `
const server = require('http').createServer((req, res) => {
  const parts = []
  req.on('data', d => parts.push(d))
  req.on('end', () => {
    const body = Buffer.concat(parts).toString('hex')
    const text = JSON.stringify({method: req.method, url: req.url, version: req.httpVersion, raw: req.rawHeaders, trailers: req.rawTrailers, body})
    res.writeHead(200, {'Content-Length': Buffer.byteLength(text), 'Connection': 'close'})
    res.end(req.method === 'HEAD' ? '' : text)
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit(0)).resume()
`

// node starts the server; the test is skipped where there is no Node.
func node(t *testing.T) (addr string) {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node is not installed")
	}
	cmd := exec.Command(path, "-e", llhttp)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strings.TrimSpace(line))
}

// Every request that is accepted is read alike by llhttp: the same method,
// target, fields, content and trailers, and nothing behind it.
func TestAcceptedRequestsAreReadAlikeByLLHTTP(t *testing.T) {
	addr := node(t)
	for _, c := range accepted {
		if strings.Contains(c.request, "pgrade") || strings.HasPrefix(c.request, "M!$") || len(c.request) > 8<<10 || strings.Contains(c.request, "Expect") {
			continue // what Node itself does not serve, or serves in another way
		}
		t.Run(c.name, func(t *testing.T) {
			data := []byte(fillIn(c.request))
			s, _ := capture(t, data, 1<<20)
			if s == nil {
				t.Skip("beyond the limits of capture")
			}
			conn := dial(t, addr)
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			conn.Write(data)
			wire, err := io.ReadAll(conn)
			_, text, found := bytes.Cut(wire, []byte("\r\n\r\n"))
			if err != nil || !found {
				t.Fatalf("%q, %v", wire, err)
			}
			var got struct {
				Method, URL, Version, Body string
				Raw, Trailers              []string
			}
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("%q: %v", wire, err)
			}
			content, _ := hex.DecodeString(got.Body)
			if got.Method != s.method || "HTTP/"+got.Version != s.proto || !bytes.Equal(content, s.content) {
				t.Errorf("llhttp has %s %s %q, we have %s %s %q", got.Method, got.Version, content, s.method, s.proto, s.content)
			}
			if target := strings.Split(c.request, " ")[1]; got.URL != target {
				t.Errorf("llhttp has the target %q, the wire %q", got.URL, target)
			}
			compareFields(t, "field", got.Raw, s)
			if s.trailing {
				for i := range s.trailer {
					if f := s.trailer[i]; 2*i+1 >= len(got.Trailers) || !strings.EqualFold(got.Trailers[2*i], f.Name) || got.Trailers[2*i+1] != f.Value {
						t.Errorf("llhttp has the trailers %q, we have %q", got.Trailers, s.trailer)
					}
				}
			}
		})
	}
}

// compareFields compares raw, names and values in turn, with the header of s
// in its order. Node gives bytes as Latin-1.
func compareFields(t *testing.T, what string, raw []string, s *snapshot) {
	t.Helper()
	i := 0
	for j := 0; j+1 < len(raw); j += 2 {
		name := raw[j]
		if strings.EqualFold(name, "Host") || strings.EqualFold(name, "Transfer-Encoding") || strings.EqualFold(name, "Trailer") {
			continue
		}
		var value []byte
		for _, r := range raw[j+1] {
			value = append(value, byte(r))
		}
		if i >= len(s.header) || !strings.EqualFold(s.header[i].Name, name) || s.header[i].Value != string(value) {
			t.Errorf("llhttp has the %s %s %q, we have %q", what, name, value, s.header)
			return
		}
		i++
	}
	if i != len(s.header) {
		t.Errorf("llhttp has %d fields, we have %q", i, s.header)
	}
}
