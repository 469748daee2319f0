// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCurlBody is how long a body may be in a command line that people read.
const maxCurlBody = 4 << 10

// Curl is one line for a POSIX-like shell (bash, zsh, ksh) that sends r again to
// the origin. Secrets are shell variables, everything else is quoted so that the
// shell takes it literally. What curl cannot send as it stands (a NUL byte in a
// field) is nearest.
func (c *Client) Curl(r *Request) string { return Curl(c.cfg.Origin, r) }

// Curl is the line for any origin.
func Curl(origin string, r *Request) string {
	q := quoter{r.masks()}
	var b strings.Builder
	body := string(r.Body)
	nul := strings.ContainsRune(body, 0)
	long := len(body) > maxCurlBody
	if nul && !long {
		fmt.Fprintf(&b, "printf %s | ", quote(printfEscape(body)))
	}
	b.WriteString("curl -sS -g --path-as-is")
	switch {
	case r.Method == "HEAD":
		b.WriteString(" -I")
	case r.Method != "GET" || len(r.Body) > 0:
		b.WriteString(" -X " + q.text(r.Method))
	}
	for _, f := range r.Header {
		switch {
		case strings.EqualFold(f.Name, "Content-Length") && f.Value == fmt.Sprint(len(r.Body)):
		case f.Value == "":
			b.WriteString(" -H " + q.text(f.Name+";"))
		default:
			b.WriteString(" -H " + q.text(f.Name+": "+f.Value))
		}
	}
	if len(r.Body) > 0 && !r.Has("Content-Type") {
		b.WriteString(" -H 'Content-Type:'")
	}
	switch {
	case len(body) == 0:
	case nul && !long:
		b.WriteString(" --data-binary @-")
	case long:
		b.WriteString(" --data-binary " + q.text(strings.ToValidUTF8(body[:256], "")+"...") +
			fmt.Sprintf(" `: the body has %d bytes, only its beginning is here`", len(body)))
	default:
		b.WriteString(" --data-binary " + q.text(body))
	}
	if !strings.HasPrefix(r.Target, "/") {
		b.WriteString(" --request-target " + q.text(r.Target) + " " + q.text(origin+"/"))
		return b.String()
	}
	b.WriteString(" " + q.text(origin+r.Target))
	return b.String()
}

// printfEscape writes a body as printf's format.
func printfEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch ch := s[i]; {
		case ch == '%':
			b.WriteString("%%")
		case ch == '\\':
			b.WriteString(`\\`)
		case ch < ' ' || ch >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}

type mask struct{ variable, text string }

// masks are the secrets, longest first, so that one within another is no matter.
func (r *Request) masks() []mask {
	out := make([]mask, 0, len(r.Secrets))
	for v, t := range r.Secrets {
		if t != "" {
			out = append(out, mask{v, t})
		}
	}
	slices.SortFunc(out, func(a, b mask) int {
		return cmp.Or(len(b.text)-len(a.text), strings.Compare(a.variable, b.variable))
	})
	return out
}

// Mask replaces r's secrets in a text, so that it can be shown.
func (r *Request) Mask(s string) string {
	for _, m := range r.masks() {
		s = strings.ReplaceAll(s, m.text, "$"+m.variable)
	}
	return s
}

type quoter struct{ masks []mask }

// text quotes s; secrets within become variables in double quotes.
func (q quoter) text(s string) string {
	for _, m := range q.masks {
		before, after, found := strings.Cut(s, m.text)
		if !found {
			continue
		}
		out := ""
		if before != "" {
			out = q.text(before)
		}
		out += `"$` + m.variable + `"`
		if after != "" {
			out += q.text(after)
		}
		return out
	}
	return quote(s)
}

// quote makes one word of s. Text without control characters is in single
// quotes, the rest in $'...'.
func quote(s string) string {
	plain := utf8.ValidString(s)
	for _, ch := range s {
		plain = plain && ch >= ' ' && ch != 0x7f && (ch < 0x80 || ch >= 0xa0) && ch != '\u2028' && ch != '\u2029'
	}
	if plain {
		if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:") == "" && s[0] != '-' {
			return s
		}
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(s); {
		ch, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case ch == '\'' || ch == '\\':
			b.WriteByte('\\')
			b.WriteRune(ch)
		case ch == '\n':
			b.WriteString(`\n`)
		case ch == '\r':
			b.WriteString(`\r`)
		case ch == '\t':
			b.WriteString(`\t`)
		case (ch == utf8.RuneError && size == 1) || ch < ' ' || ch == 0x7f || (ch > 0x7e && ch < 0xa0) || ch == '\u2028' || ch == '\u2029':
			for _, raw := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, raw)
			}
			// A hexadecimal digit that follows would be read as part of it.
			if i+size < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[i+size]) >= 0 {
				b.WriteString(`'$'`)
			}
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	b.WriteString("'")
	return b.String()
}
