// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strings"

	"durward"
)

// answer is a Response with its body and room for its header, in one piece of
// memory. It is made anew for each exchange: the response may be read long
// after the connection went on to the next one.
type answer struct {
	durward.Response
	body   body
	fields [20]durward.Field
	keep   bool // the connection may be used again after this answer
}

// frame decides what the answer's content is (RFC 9112, section 6.3) and takes
// framing and hop-by-hop fields out of the header.
func (a *answer) frame(h *head, req *durward.Outgoing) error {
	a.Status = h.status
	length, chunked, closes, err := framing(h)
	if err != nil {
		return err
	}
	a.keep = h.minor == 1 && !closes
	if h.status == 101 {
		if err := checkUpgrade(h, req.Upgrade); err != nil {
			return err
		}
		if length >= 0 || chunked {
			return reason("interim answer with a length")
		}
	}
	a.body.kind = bodyless
	switch {
	case h.status == 101:
	case h.status == 204:
		if length > 0 || chunked {
			return reason("content in a 204 answer")
		}
	case req.Method == "HEAD", h.status == 304:
		a.Length = length
	case chunked:
		a.Length, a.body.kind = -1, inChunks
	case length > 0:
		a.Length, a.body.kind, a.body.left = length, sized, length
	case length < 0:
		a.Length, a.body.kind, a.keep = -1, untilClose, false
	}
	if a.body.kind != bodyless {
		a.Body = &a.body
		a.Stream = a.Length < 0 || strings.HasPrefix(h.fields.Get("Content-Type"), "text/event-stream")
	}
	if chunked && a.Body != nil {
		a.Trailer = a.body.trailers
	}
	err = stripHopByHop(&h.fields)
	a.Header = h.fields
	return err
}

// framing reads the fields that say where an answer ends. Two lengths are
// refused even when they are equal, for equal ones come from two parties that
// both wrote one, and the next two may differ.
func framing(h *head) (length int64, chunked, closes bool, err error) {
	length = -1
	for _, f := range h.fields {
		switch f.Name {
		case "Content-Length":
			if length >= 0 {
				return 0, false, false, reason("several lengths")
			}
			if length, err = parseLength(f.Value); err != nil {
				return 0, false, false, err
			}
		case "Transfer-Encoding":
			if chunked || !strings.EqualFold(f.Value, "chunked") {
				return 0, false, false, reason("unknown transfer coding")
			}
			if h.minor == 0 {
				return 0, false, false, reason("transfer coding in HTTP/1.0")
			}
			chunked = true
		case "Connection":
			closes = closes || listed(f.Value, "close")
		}
	}
	if chunked && length >= 0 {
		return 0, false, false, reason("length and transfer coding")
	}
	return length, chunked, closes, nil
}

// parseLength reads a Content-Length: digits and nothing else.
func parseLength(s string) (int64, error) {
	if s == "" || len(s) > 18 {
		return 0, reason("malformed length")
	}
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, reason("malformed length")
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, nil
}

// checkUpgrade allows a 101 only for the protocol that was asked for (RFC
// 9110, section 7.8).
func checkUpgrade(h *head, asked string) error {
	if asked == "" || h.minor == 0 {
		return reason("upgrade that was not asked for")
	}
	if h.fields.Count("Upgrade") != 1 || !strings.EqualFold(h.fields.Get("Upgrade"), asked) {
		return reason("upgrade to another protocol")
	}
	for _, f := range h.fields {
		if f.Name == "Connection" && listed(f.Value, "upgrade") {
			return nil
		}
	}
	return reason("upgrade without Connection: upgrade")
}

// maxOptions bounds the fields that Connection may name.
const maxOptions = 16

// stripHopByHop takes out what is between the target and this client (RFC
// 9110, section 7.6.1): the fields that Connection names, and the known ones.
func stripHopByHop(h *durward.Header) error {
	var named [maxOptions]string
	n := 0
	for _, f := range *h {
		for list := f.Value; f.Name == "Connection" && list != ""; {
			var item string
			item, list, _ = strings.Cut(list, ",")
			switch item = trim(item); {
			case item == "", strings.EqualFold(item, "close"), strings.EqualFold(item, "keep-alive"):
			case n == maxOptions:
				return reason("too many connection options")
			default:
				named[n] = item
				n++
			}
		}
	}
	kept := (*h)[:0]
	for _, f := range *h {
		if !hopByHop(f.Name) && !among(named[:n], f.Name) {
			kept = append(kept, f)
		}
	}
	*h = kept
	return nil
}

func among(list []string, name string) bool {
	for _, s := range list {
		if strings.EqualFold(s, name) {
			return true
		}
	}
	return false
}

// hopByHop are the fields of one connection, and of this client's framing:
// Response.Length has what Content-Length said.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te",
		"Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}
