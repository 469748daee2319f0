// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"durward"
)

// llhttp reads one connection a line, in hexadecimal digits, with the parser
// of Node.js, and writes what it made of it, a line each. No leniency is on.
const llhttp = `
const { HTTPParser, methods } = require('_http_common')
function read (data) {
  const out = { requests: [] }
  let at = null
  const reset = () => { at = { head: [], trailer: [], url: '', parts: [], body: false } }
  const fields = (list, url) => {
    if (url && !at.body) at.url += url
    ;(at.body ? at.trailer : at.head).push(...list)
  }
  const parser = new HTTPParser()
  parser.initialize(HTTPParser.REQUEST, {}, 64 << 10, HTTPParser.kLenientNone)
  parser[HTTPParser.kOnMessageBegin | 0] = reset
  parser[HTTPParser.kOnHeaders | 0] = fields
  parser[HTTPParser.kOnHeadersComplete | 0] = (major, minor, list, method, url, status, reason, upgrade) => {
    fields(list || [], url)
    at.body = true
    Object.assign(at, { method: methods[method], version: major + '.' + minor, upgrade })
    return 0
  }
  parser[HTTPParser.kOnBody | 0] = part => at.parts.push(Buffer.from(part))
  parser[HTTPParser.kOnMessageComplete | 0] = () => {
    out.requests.push({ ...at, parts: undefined, content: Buffer.concat(at.parts).toString('hex') })
  }
  reset()
  const end = parser.execute(data)
  if (end instanceof Error) out.error = end.code + ': ' + end.reason
  parser.close()
  return out
}
require('readline').createInterface({ input: process.stdin }).on('line', line => {
  process.stdout.write(JSON.stringify(read(Buffer.from(line, 'hex'))) + '\n')
})
`

// parsed is what llhttp made of a connection.
type parsed struct {
	Error    string
	Requests []struct {
		Method, Version, URL, Content string
		Head, Trailer                 []string
		Upgrade                       bool // what is behind it is not HTTP to llhttp
	}
}

// parseAll gives the connections to one Node process; the test is skipped
// where there is none, or none whose parser can be had without a server.
func parseAll(t *testing.T, connections [][]byte) []parsed {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node.js is not installed, so nothing is compared with llhttp")
	}
	if exec.Command(node, "-e", "require('_http_common').HTTPParser.kLenientNone + 0").Run() != nil {
		t.Skip("this Node.js does not give its parser away, so nothing is compared with llhttp")
	}
	var in, stderr bytes.Buffer
	for _, data := range connections {
		in.WriteString(hex.EncodeToString(data) + "\n")
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", llhttp)
	cmd.Stdin, cmd.Stderr = &in, &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var all []parsed
	for dec := json.NewDecoder(bytes.NewReader(text)); dec.More(); {
		var p parsed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) != len(connections) {
		t.Fatalf("%d answers to %d connections", len(all), len(connections))
	}
	return all
}

// Every request that is accepted is read alike by llhttp: the same method,
// target, fields, content and trailers, and the next one begins where it ends.
func TestAcceptedRequestsAreReadAlikeByLLHTTP(t *testing.T) {
	var connections [][]byte
	var ours [][]*snapshot
	requests := 0
	for _, data := range corpus(t, generatedConnections) {
		if all := captureAll(t, data); len(all) > 0 {
			connections, ours = append(connections, data), append(ours, all)
			requests += len(all)
		}
	}
	compared := 0
	refused := map[string]int{}
	for i, theirs := range parseAll(t, connections) {
		for j, s := range ours[i] {
			if j == len(theirs.Requests) {
				if !mayDiffer(theirs.Error, s, ours[i][:j]) {
					t.Fatalf("%q: llhttp refuses request %d: %s", connections[i], j, theirs.Error)
				}
				refused[theirs.Error]++
				break
			}
			if err := s.compareLLHTTP(&theirs, j); err != nil {
				t.Fatalf("%q: request %d: %v", connections[i], j, err)
			}
			compared++
			if theirs.Requests[j].Upgrade {
				break
			}
		}
	}
	t.Logf("%d connections, %d requests accepted, %d of them compared, llhttp refused %v", len(connections), requests, compared, refused)
	if compared < requests*8/10 {
		t.Error("too little was compared")
	}
}

// knownMethods are methods that llhttp knows, of those that the corpus has.
var knownMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "M-SEARCH", "PROPFIND"}

// mayDiffer tells whether llhttp may refuse a request that is accepted here, the
// one behind those that were read alike. To refuse is no other reading;
// docs/canonical-request.md has both cases.
func mayDiffer(reason string, s *snapshot, before []*snapshot) bool {
	code, _, _ := strings.Cut(reason, ":")
	switch code {
	case "HPE_INVALID_METHOD":
		return !slices.Contains(knownMethods, s.method)
	case "HPE_CLOSED_CONNECTION": // llhttp obeys Proxy-Connection as if it were Connection
		return slices.ContainsFunc(before, func(s *snapshot) bool {
			return listed(strings.Join(s.header.Values(nil, "Proxy-Connection"), ","), "close")
		})
	}
	return false
}

// compareLLHTTP says where the reading of request i by llhttp differs.
func (s *snapshot) compareLLHTTP(all *parsed, i int) error {
	r := &all.Requests[i]
	content, err := hex.DecodeString(r.Content)
	if err != nil || r.Method != s.method || "HTTP/"+r.Version != s.proto || !bytes.Equal(content, s.content) {
		return fmt.Errorf("llhttp has %s %s %q, we have %s %s %q", r.Method, r.Version, content, s.method, s.proto, s.content)
	}
	authority, path, query := target(r.URL)
	if path != s.path || query != s.query || authority != "" && authority != s.host {
		return fmt.Errorf("llhttp has the target %q, we have %q %q %q", r.URL, s.host, s.path, s.query)
	}
	header := make(pairs, 0, len(r.Head)/2)
	for j := 0; j+1 < len(r.Head); j += 2 {
		name, value := r.Head[j], latin1(r.Head[j+1])
		switch strings.ToLower(name) {
		case "host":
			if authority == "" && value != s.host {
				return fmt.Errorf("llhttp has the host %q, we have %q", value, s.host)
			}
		case "transfer-encoding", "trailer":
		default:
			header = append(header, [2]string{name, value})
		}
	}
	if err := header.same("field", s.header); err != nil {
		return err
	}
	if !s.trailing {
		return nil
	}
	var trailer pairs
	for j := 0; j+1 < len(r.Trailer); j += 2 {
		trailer = append(trailer, [2]string{r.Trailer[j], latin1(r.Trailer[j+1])})
	}
	return trailer.same("trailer", s.trailer)
}

// pairs are names and values as llhttp gives them.
type pairs [][2]string

// same says where the pairs are not the fields, in their order.
func (p pairs) same(what string, h durward.Header) error {
	for i, f := range h {
		if i >= len(p) || !strings.EqualFold(p[i][0], f.Name) || p[i][1] != f.Value {
			return fmt.Errorf("llhttp has the %ss %q, we have %q", what, p, h)
		}
	}
	if len(p) != len(h) {
		return fmt.Errorf("llhttp has the %ss %q, we have %q", what, p, h)
	}
	return nil
}

// latin1 gives the bytes of which Node makes a character each.
func latin1(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}
