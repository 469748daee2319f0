// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"io"
	"strings"
	"time"

	"durward"
)

// head is a parsed head of an answer, interim or final.
type head struct {
	status int
	minor  int // of the version: HTTP/1.minor
	fields durward.Header
}

var (
	endOfHead = []byte("\r\n\r\n")
	version   = []byte("HTTP/1.")
)

// readHead reads one head and parses it into h, appending to h.fields. The
// deadline is the caller's, and covers the whole of it, so that single bytes
// do not prolong it.
func (c *conn) readHead(h *head) error {
	most := c.p.o.MaxHeadBytes
	for seen := 0; ; {
		have := c.buf[c.r:c.w]
		if i := bytes.Index(have[max(seen-3, 0):], endOfHead); i >= 0 {
			n := max(seen-3, 0) + i + len(endOfHead)
			if n > most {
				return reason("head is too large")
			}
			c.r += n
			return h.parse(string(have[:n]), c.p.o.MaxFields)
		}
		if err := checkPart(have, seen); err != nil {
			return err
		}
		if seen = len(have); seen >= most {
			return reason("head is too large")
		}
		c.makeRoom(most)
		if err := c.fill(); err != nil {
			if seen > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
}

// checkPart refuses what cannot become a head any more, so that a target that
// talks another protocol is not waited for.
func checkPart(b []byte, seen int) error {
	if n := min(len(b), len(version)); !bytes.Equal(b[:n], version[:n]) {
		return reason("malformed status line")
	}
	for i := seen; i < len(b); i++ {
		if b[i] == '\n' && (i == 0 || b[i-1] != '\r') {
			return reason("line end without CR")
		}
	}
	return nil
}

// parse reads a head that ends with an empty line (RFC 9112, sections 4 and 5).
func (h *head) parse(s string, maxFields int) error {
	line, s, err := cutLine(s)
	if err != nil {
		return err
	}
	if err := h.parseStatus(line); err != nil {
		return err
	}
	for {
		if line, s, err = cutLine(s); err != nil {
			return err
		}
		if line == "" {
			if s != "" {
				return reason("head ends early")
			}
			return nil
		}
		if maxFields--; maxFields < 0 {
			return reason("too many field lines")
		}
		f, err := parseField(line)
		if err != nil {
			return err
		}
		h.fields = append(h.fields, f)
	}
}

func cutLine(s string) (line, rest string, err error) {
	i := strings.IndexByte(s, '\n')
	if i < 1 || s[i-1] != '\r' {
		return "", "", reason("line end without CR")
	}
	return s[:i-1], s[i+1:], nil
}

// parseStatus reads a status line (RFC 9112, section 4). The space before an
// empty reason phrase may be missing, as many servers leave it out and nothing
// hangs on it.
func (h *head) parseStatus(line string) error {
	const start = "HTTP/1.x 200"
	if len(line) < len(start) || line[:7] != start[:7] || line[8] != ' ' {
		return reason("malformed status line")
	}
	if h.minor = int(line[7]) - '0'; h.minor != 0 && h.minor != 1 {
		return reason("unknown version")
	}
	h.status = 0
	for i := 9; i < 12; i++ {
		if line[i] < '0' || line[i] > '9' {
			return reason("malformed status code")
		}
		h.status = h.status*10 + int(line[i]-'0')
	}
	if h.status < 100 || h.status > 599 {
		return reason("unknown status code")
	}
	if len(line) > 12 && line[12] != ' ' || !isText(line[12:]) {
		return reason("malformed status line")
	}
	return nil
}

// readAnswer reads heads until the final one, which it turns into an answer.
// Interim ones go to inform; when it is nil they are counted and dropped.
func (c *conn) readAnswer(req *durward.Outgoing, inform func(int, durward.Header) error) (*answer, error) {
	a := &answer{}
	h := head{fields: a.fields[:0]}
	for left := c.p.o.MaxInterim; ; left-- {
		if err := c.readHead(&h); err != nil {
			return nil, err
		}
		if h.status >= 200 || h.status == 101 {
			return a, a.frame(&h, req)
		}
		if left == 0 {
			return nil, reason("too many interim answers")
		}
		if err := checkInterim(&h); err != nil {
			return nil, err
		}
		if h.status != 100 && inform != nil {
			if err := stripHopByHop(&h.fields); err != nil {
				return nil, err
			}
			if err := inform(h.status, h.fields); err != nil {
				return nil, &Error{Op: "head", Kind: Canceled, Err: err}
			}
			// What was given away is not written to again.
			h.fields = nil
		}
		h.fields = h.fields[:0]
	}
}

// checkInterim refuses interim answers that could be taken to have content
// (RFC 9110, section 15.2; RFC 9112, section 6).
func checkInterim(h *head) error {
	if h.minor == 0 {
		return reason("interim answer of HTTP/1.0")
	}
	if h.fields.Has("Transfer-Encoding") || h.fields.Has("Content-Length") {
		return reason("interim answer with a length")
	}
	return nil
}

// awaitAnswer is readAnswer within the head timeout.
func (c *conn) awaitAnswer(req *Request, within time.Duration) (*answer, error) {
	c.readWithin(within)
	return c.readAnswer(req.Out, req.Inform)
}
