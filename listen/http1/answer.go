// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"net/http"
	"strconv"

	"durward"
)

// statusLines are the status lines of the codes that have a reason phrase.
var statusLines = func() (t [600]string) {
	for status := range t {
		if text := http.StatusText(status); text != "" {
			t[status] = "HTTP/1.1 " + strconv.Itoa(status) + " " + text + "\r\n"
		}
	}
	return t
}()

func appendStatus(b []byte, status int) []byte {
	if line := statusLines[status]; line != "" {
		return append(b, line...)
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	return append(b, " \r\n"...)
}

// managed are the fields that the responder alone writes, as they are about
// the connection or say where the answer ends.
func managed(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// headWriter writes the head of an answer. lines counts the line ends that it
// wrote itself.
type headWriter struct {
	b     []byte
	from  int
	lines int
	dated bool
}

func (h *headWriter) status(status int) {
	h.from = len(h.b)
	h.b = appendStatus(h.b, status)
	h.lines = 1
}

func (h *headWriter) fields(section durward.Header) {
	for i := range section {
		f := &section[i]
		if managed(f.Name) {
			continue
		}
		if f.Name == "Date" {
			h.dated = true
		}
		h.field(f.Name, f.Value)
	}
}

func (h *headWriter) field(name, value string) {
	b := append(h.b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	h.b = append(b, "\r\n"...)
	h.lines++
}

// line appends a whole line.
func (h *headWriter) line(s string) {
	h.b = append(h.b, s...)
	h.lines++
}

func (h *headWriter) length(n int64) {
	b := append(h.b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	h.b = append(b, "\r\n"...)
	h.lines++
}

// end writes the empty line and makes sure that no value smuggled a line end
// or a NUL into the head: it must have the line ends that were written, and no
// others. Counting over the whole is far cheaper than a look at each value.
func (h *headWriter) end() error {
	h.line("\r\n")
	return checkLines(h.b[h.from:], h.lines)
}

func checkLines(b []byte, lines int) error {
	if bytes.Count(b, []byte{'\n'}) != lines || bytes.Count(b, []byte{'\r'}) != lines ||
		bytes.IndexByte(b, 0) >= 0 {
		return errSplit
	}
	return nil
}

// appendTrailer writes the last chunk with the trailer section. Fields that
// mean nothing there are left out.
func appendTrailer(b []byte, trailer func() durward.Header) ([]byte, error) {
	h := headWriter{b: append(b, "0\r\n"...), from: len(b), lines: 1}
	if trailer != nil {
		for _, f := range trailer() {
			if !untrailed(f.Name) && all(f.Name, token) {
				h.field(f.Name, f.Value)
			}
		}
	}
	err := h.end()
	return h.b, err
}
