// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"strings"
)

const (
	maxPartHeader = 4 << 10
	reasonParts   = "has too many parts"
	reasonMime    = "is not valid multipart content"
)

// isBoundary is the grammar of RFC 2046, 5.1.1.
func isBoundary(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && strings.IndexByte("'()+_,-./:=? ", s[i]) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= 70 && s[len(s)-1] != ' '
}

// part is one part of multipart/form-data content.
type part struct {
	name, base string
	isFile     bool
	content    []byte
}

// splitParts reads multipart/form-data (RFC 7578) strictly: no preamble but an
// empty line, no epilogue, each part with one Content-Disposition, no transfer
// encoding. What a lenient parser would skip is what attackers hide parts in.
func splitParts(content []byte, boundary string, most int) (parts []part, f *fault) {
	bad := &fault{reason: reasonMime}
	delimiter := []byte("\r\n--" + boundary)
	rest, ok := bytes.CutPrefix(content, []byte("\r\n"))
	if !ok {
		rest = content
	}
	if rest, ok = bytes.CutPrefix(rest, delimiter[2:]); !ok {
		return nil, bad
	}
	for {
		if end, ok := bytes.CutPrefix(rest, []byte("--")); ok {
			if len(end) == 0 || string(end) == "\r\n" {
				return parts, nil
			}
			return nil, bad
		}
		if rest, ok = bytes.CutPrefix(rest, []byte("\r\n")); !ok {
			return nil, bad
		}
		if len(parts) >= most {
			return nil, &fault{reason: reasonParts, bounded: true}
		}
		var one, head []byte
		if one, rest, ok = bytes.Cut(rest, delimiter); !ok {
			return nil, bad
		}
		if head, one, ok = bytes.Cut(one, []byte("\r\n\r\n")); !ok || len(head) > maxPartHeader {
			return nil, bad
		}
		p := part{content: one}
		if !p.readHead(string(head)) {
			return nil, bad
		}
		parts = append(parts, p)
	}
}

func (p *part) readHead(head string) bool {
	disposition, contentType := 0, 0
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || !isCleanText(strings.ReplaceAll(value, "\t", " ")) {
			return false
		}
		switch lower(name) {
		case "content-disposition":
			disposition++
			if !p.readDisposition(strings.Trim(value, " \t")) {
				return false
			}
		case "content-type":
			contentType++
			mt, ok := parseMediaType(value)
			if !ok || strings.HasPrefix(mt.base, "multipart/") {
				return false
			}
			p.base = mt.base
		case "content-transfer-encoding":
			return false // RFC 7578, 4.7
		}
	}
	return disposition == 1 && contentType <= 1
}

func (p *part) readDisposition(s string) bool {
	rest, ok := strings.CutPrefix(lower(s[:min(len(s), len("form-data"))])+s[min(len(s), len("form-data")):], "form-data")
	if !ok {
		return false
	}
	named := false
	for rest = strings.TrimLeft(rest, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		if rest[0] != ';' {
			return false
		}
		var name, value string
		if name, rest, ok = strings.Cut(strings.TrimLeft(rest[1:], " \t"), "="); !ok {
			return false
		}
		if value, rest, ok = parameterValue(rest); !ok {
			return false
		}
		switch lower(name) {
		case "name":
			if named {
				return false
			}
			named, p.name = true, value
		case "filename":
			if p.isFile {
				return false
			}
			p.isFile = true
		default:
			return false // filename* too: RFC 7578, 4.2 forbids it
		}
	}
	return named && p.name != ""
}
