// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"durward"
)

// perByteOfXML is what reading a byte of XML is expected to take.
const perByteOfXML = 50 * time.Nanosecond

// checkXML refuses XML that Coraza would read in another way than the API may:
// its reader closes what is open, stops without a word where a document breaks
// off, and passes over declarations. So the rules would judge something else.
func (s *stage) checkXML(q *seen, x *durward.Exchange) (d durward.Decision) {
	if !isXML(x.In.Header.Get("Content-Type")) || len(q.Body) == 0 {
		return durward.Proceed()
	}
	var fault error
	check := func() { q.Body, fault = oneReading(q.Body) }
	if size(&q.Request) < much {
		check()
	} else if d := s.pay(x, q, perByteOfXML, check); d.Verdict != durward.Allow || d.Err != nil {
		return d
	}
	if fault != nil {
		return durward.Refuse(durward.CodeBodyMalformed, fault)
	}
	return durward.Proceed()
}

// isXML tells content that the rules read as XML, and what is XML to others.
func isXML(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.Trim(kind, " \t"))
	return strings.HasSuffix(kind, "/xml") || strings.HasSuffix(kind, "+xml")
}

var (
	errXML     = errors.New("content is no well-formed XML")
	errDoctype = errors.New("XML declares a document type of its own: the rules do not see what it stands for")
)

// oneReading gives XML of which rules see the texts and attributes that an API
// sees: content itself but for names of elements of HTML that have no content,
// which Coraza's reader ends where they begin, and then loses its place. Rules
// look at no names of elements.
//
// The error tells why there is none: content is not well-formed (XML 1.0), or its
// document type has declarations, inside or elsewhere, of entities and of values
// that are there by default. What encoding it is said to have is Coraza's to
// judge. The errors quote nothing of the content.
func oneReading(content []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(content))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	out := content
	for roots, depth := 0, 0; ; {
		from := d.InputOffset()
		token, err := d.Token()
		switch token := token.(type) {
		case nil:
			if err != io.EOF || roots != 1 {
				return nil, errXML
			}
			return out, nil
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			out = rename(out, content, from, d.InputOffset(), token.Name.Local)
		case xml.EndElement:
			depth--
			out = rename(out, content, from, d.InputOffset(), token.Name.Local)
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(token)) > 0 {
				return nil, errXML
			}
		case xml.Directive:
			if words := bytes.Fields(token); len(words) != 2 || string(words[0]) != "DOCTYPE" || bytes.IndexByte(words[1], '[') >= 0 {
				return nil, errDoctype
			}
		}
	}
}

// rename gives the element of the tag from one offset to another a name of the
// same length that is none of HTML's, in a copy of content.
func rename(out, content []byte, from, to int64, local string) []byte {
	if from == to || !slices.ContainsFunc(xml.HTMLAutoClose, func(name string) bool { return strings.EqualFold(name, local) }) {
		return out // a tag that ends itself has been seen where it begins
	}
	at := bytes.Index(content[from:to], []byte(local))
	if at < 0 {
		return out
	}
	if prefix := bytes.IndexByte(content[from:to], ':'); prefix >= 0 && prefix < bytes.IndexAny(content[from:to], " \t\r\n/>") {
		at = prefix + 1
	}
	if &out[0] == &content[0] {
		out = bytes.Clone(content)
	}
	out[int(from)+at] = '_'
	return out
}
