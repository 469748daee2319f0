// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strconv"
	"strings"
	"testing"
)

// hostile are requests that are refused, with the rule that each breaks. "~"
// stands for "Host: x" and CRLF.
var hostile = []struct {
	name    string
	request string
	status  int
	reason  *fault
}{
	// The request line (RFC 9112, section 3).
	{"an empty request line behind the one that is read over", "\r\n\r\n", 400, errLineForm},
	{"a bare LF before the request line", "\nGET / HTTP/1.1\r\n~\r\n", 400, errLineEnd},
	{"a bare LF behind the request line", "GET / HTTP/1.1\n~\r\n", 400, errLineEnd},
	{"a bare CR in the request line", "GET /\r HTTP/1.1\r\n~\r\n", 400, errLineByte},
	{"CR CR LF behind the request line", "GET / HTTP/1.1\r\r\n~\r\n", 400, errLineByte},
	{"a NUL in the target", "GET /\x00 HTTP/1.1\r\n~\r\n", 400, errLineByte},
	{"a tab between method and target", "GET\t/ HTTP/1.1\r\n~\r\n", 400, errLineByte},
	{"a non-ASCII byte in the target", "GET /\xc3\xa9 HTTP/1.1\r\n~\r\n", 400, errLineByte},
	{"a TLS handshake on cleartext", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, errLineByte},
	{"white space before the method", " GET / HTTP/1.1\r\n~\r\n", 400, errMethod},
	{"no method", "/ HTTP/1.1\r\n~\r\n", 400, errMethod},
	{"a method that is no token", "G@T / HTTP/1.1\r\n~\r\n", 400, errMethod},
	{"a method of 33 bytes", strings.Repeat("A", 33) + " / HTTP/1.1\r\n~\r\n", 400, errMethod},
	{"no version, as in HTTP/0.9", "GET /\r\n", 400, errLineForm},
	{"only a word", "GET\r\n\r\n", 400, errLineForm},
	{"two spaces before the target", "GET  / HTTP/1.1\r\n~\r\n", 400, errTargetByte},
	{"two spaces before the version", "GET /  HTTP/1.1\r\n~\r\n", 400, errTargetByte},
	{"a raw space in the target", "GET /a b HTTP/1.1\r\n~\r\n", 400, errTargetByte},
	{"a space behind the version", "GET / HTTP/1.1 \r\n~\r\n", 400, errLineForm},
	{"a version in lower case", "GET / http/1.1\r\n~\r\n", 400, errLineForm},
	{"a version without a minor number", "GET / HTTP/1\r\n~\r\n", 400, errLineForm},
	{"a version with two digits", "GET / HTTP/1.10\r\n~\r\n", 400, errLineForm},
	{"a version with a letter", "GET / HTTP/1.x\r\n~\r\n", 400, errLineForm},
	{"another protocol's name", "GET / HTPP/1.1\r\n~\r\n", 400, errLineForm},
	{"HTTP/2.0 without its preface", "GET / HTTP/2.0\r\n~\r\n", 505, errVersion},
	{"the preface of HTTP/2 where it is not spoken", prefaceHTTP2, 505, errVersion},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n~\r\n", 505, errVersion},
	{"HTTP/0.9 with a version", "GET / HTTP/0.9\r\n~\r\n", 505, errVersion},
	{"HTTP/3.0", "GET / HTTP/3.0\r\n~\r\n", 505, errVersion},
	{"a target that is too long", "GET /" + strings.Repeat("a", 8<<10) + " HTTP/1.1\r\n~\r\n", 414, errTargetLong},
	{"a request line without an end", "GET /" + strings.Repeat("a", 9<<10), 414, errTargetLong},

	// Its target (sections 3.2.1 to 3.2.4).
	{"a target with a fragment", "GET /a#b HTTP/1.1\r\n~\r\n", 400, errTargetByte},
	{"a target that does not begin with a slash", "GET a HTTP/1.1\r\n~\r\n", 400, errTargetForm},
	{"an empty target", "GET  HTTP/1.1\r\n~\r\n", 400, errLineForm},
	{"asterisk form with GET", "GET * HTTP/1.1\r\n~\r\n", 400, errTargetForm},
	{"asterisk form with more behind it", "OPTIONS *a HTTP/1.1\r\n~\r\n", 400, errTargetForm},
	{"authority form with GET", "GET x:80 HTTP/1.1\r\n~\r\n", 400, errTargetForm},
	{"CONNECT in authority form", "CONNECT x:443 HTTP/1.1\r\n~\r\n", 501, errConnect},
	{"CONNECT in origin form", "CONNECT / HTTP/1.1\r\n~\r\n", 501, errConnect},
	{"absolute form of another scheme", "GET ftp://x/ HTTP/1.1\r\n~\r\n", 400, errTargetForm},
	{"absolute form of https on cleartext", "GET https://x/ HTTP/1.1\r\n~\r\n", 400, errScheme},
	{"absolute form without an authority", "GET http:///a HTTP/1.1\r\n~\r\n", 400, errHostForm},
	{"absolute form with user information", "GET http://a@x/ HTTP/1.1\r\n~\r\n", 400, errHostForm},
	{"absolute form with a backslash", "GET http://x\\y/ HTTP/1.1\r\n~\r\n", 400, errHostForm},
	{"absolute form that differs from Host", "GET http://y/ HTTP/1.1\r\n~\r\n", 400, errHostOther},
	{"absolute form that differs from Host in the port", "GET http://x:80/ HTTP/1.1\r\n~\r\n", 400, errHostOther},
	{"absolute form without Host", "GET http://x/ HTTP/1.1\r\n\r\n", 400, errHostMissing},

	// Field lines (section 5).
	{"a folded field line", "GET / HTTP/1.1\r\n~A: b\r\n c\r\n\r\n", 400, errFold},
	{"a line folded by a tab", "GET / HTTP/1.1\r\n~A: b\r\n\tc\r\n\r\n", 400, errFold},
	{"white space before the first field line", "GET / HTTP/1.1\r\n ~\r\n", 400, errFold},
	{"a space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, errNameSpace},
	{"a tab before the colon", "GET / HTTP/1.1\r\nHost\t: x\r\n\r\n", 400, errNameSpace},
	{"an empty field name", "GET / HTTP/1.1\r\n~: b\r\n\r\n", 400, errNameEmpty},
	{"a field line without a colon", "GET / HTTP/1.1\r\n~abc\r\n\r\n", 400, errNoColon},
	{"a control byte in a field name", "GET / HTTP/1.1\r\n~a\x01b: c\r\n\r\n", 400, errNameByte},
	{"a NUL in a field name", "GET / HTTP/1.1\r\n~a\x00: c\r\n\r\n", 400, errNameByte},
	{"a non-ASCII byte in a field name", "GET / HTTP/1.1\r\n~\xe9: c\r\n\r\n", 400, errNameByte},
	{"a separator in a field name", "GET / HTTP/1.1\r\n~a(b): c\r\n\r\n", 400, errNameByte},
	{"a bare CR in a field name", "GET / HTTP/1.1\r\n~a\r: c\r\n\r\n", 400, errNameByte},
	{"a NUL in a value", "GET / HTTP/1.1\r\n~A: b\x00c\r\n\r\n", 400, errValueByte},
	{"a NUL in a long value", "GET / HTTP/1.1\r\n~A: 0123456789abcdef\x000123456789\r\n\r\n", 400, errValueByte},
	{"a DEL in a value", "GET / HTTP/1.1\r\n~A: 0123456\x7f\r\n\r\n", 400, errValueByte},
	{"a bare CR in a value", "GET / HTTP/1.1\r\n~A: b\rc\r\n\r\n", 400, errValueByte},
	{"CR CR LF behind a value", "GET / HTTP/1.1\r\n~A: b\r\r\n\r\n", 400, errValueByte},
	{"a bare LF behind a value", "GET / HTTP/1.1\r\n~A: b\n\r\n", 400, errLineEnd},
	{"a head that ends with LF LF", "GET / HTTP/1.1\r\n~\n", 400, errLineEnd},
	{"101 field lines", "GET / HTTP/1.1\r\n~" + strings.Repeat("A: b\r\n", 100) + "\r\n", 431, errFields},
	{"a head that is too large", "GET / HTTP/1.1\r\n~" + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 33) + "\r\n", 431, errHeadLong},
	{"a field line without an end", "GET / HTTP/1.1\r\n~A: " + strings.Repeat("b", 33<<10), 431, errHeadLong},

	// Host (RFC 9110, section 7.2; RFC 9112, section 3.2).
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, errHostMissing},
	{"two Host fields", "GET / HTTP/1.1\r\n~Host: y\r\n\r\n", 400, errHostTwice},
	{"two equal Host fields", "GET / HTTP/1.1\r\n~~\r\n", 400, errHostTwice},
	{"two Host fields in HTTP/1.0", "GET / HTTP/1.0\r\n~~\r\n", 400, errHostTwice},
	{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, errHostForm},
	{"a Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400, errHostForm},
	{"a Host with user information", "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n", 400, errHostForm},
	{"a Host with a space", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400, errHostForm},
	{"a Host of non-ASCII bytes", "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", 400, errHostForm},

	// Framing (RFC 9112, section 6).
	{"a length and a transfer coding", "POST / HTTP/1.1\r\n~Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, errBoth},
	{"a transfer coding and a length of 0", "POST / HTTP/1.1\r\n~transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n", 400, errBoth},
	{"two lengths", "POST / HTTP/1.1\r\n~Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, errLengthTwice},
	{"two equal lengths", "POST / HTTP/1.1\r\n~Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, errLengthTwice},
	{"a list of lengths", "POST / HTTP/1.1\r\n~Content-Length: 5, 5\r\n\r\nhello", 400, errLengthForm},
	{"a length with a sign", "POST / HTTP/1.1\r\n~Content-Length: +5\r\n\r\nhello", 400, errLengthForm},
	{"a negative length", "POST / HTTP/1.1\r\n~Content-Length: -1\r\n\r\n", 400, errLengthForm},
	{"a hexadecimal length", "POST / HTTP/1.1\r\n~Content-Length: 0x5\r\n\r\nhello", 400, errLengthForm},
	{"a length with a fraction", "POST / HTTP/1.1\r\n~Content-Length: 5.0\r\n\r\nhello", 400, errLengthForm},
	{"an empty length", "POST / HTTP/1.1\r\n~Content-Length:\r\n\r\n", 400, errLengthForm},
	{"a length of 19 digits", "POST / HTTP/1.1\r\n~Content-Length: 1000000000000000000\r\n\r\n", 400, errLengthForm},
	{"a length with a space in it", "POST / HTTP/1.1\r\n~Content-Length: 1 0\r\n\r\n", 400, errLengthForm},
	{"a length with a tab behind it", "POST / HTTP/1.1\r\n~Content-Length: 5\t\r\n\r\nhello", 400, errFramingTab},
	{"a length with a tab before it", "POST / HTTP/1.1\r\n~Content-Length:\t5\r\n\r\nhello", 400, errFramingTab},
	{"a transfer coding with a tab behind it", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", 400, errFramingTab},
	{"chunked behind another coding", "POST / HTTP/1.1\r\n~Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, errCoding},
	{"chunked before another coding", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, errCoding},
	{"chunked twice in one field", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, errCoding},
	{"chunked in two fields", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, errCoding},
	{"the coding identity", "POST / HTTP/1.1\r\n~Transfer-Encoding: identity\r\n\r\n", 400, errCoding},
	{"an unknown coding", "POST / HTTP/1.1\r\n~Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, errCoding},
	{"a quoted coding", "POST / HTTP/1.1\r\n~Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400, errCoding},
	{"chunked with a parameter", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400, errCoding},
	{"chunked with a vertical tab", "POST / HTTP/1.1\r\n~Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, errValueByte},
	{"an empty transfer coding", "POST / HTTP/1.1\r\n~Transfer-Encoding:\r\n\r\n", 400, errCoding},
	{"a transfer coding in HTTP/1.0", "POST / HTTP/1.0\r\n~Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, errCodingOld},

	// Expect (RFC 9110, section 10.1.1) and Trailer (section 6.6.2).
	{"an unknown expectation", "POST / HTTP/1.1\r\n~Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello", 417, errExpectation},
	{"a list of expectations", "POST / HTTP/1.1\r\n~Expect: 100-continue, a\r\nContent-Length: 5\r\n\r\nhello", 417, errExpectation},
	{"an empty expectation", "POST / HTTP/1.1\r\n~Expect:\r\nContent-Length: 5\r\n\r\nhello", 417, errExpectation},
	{"a trailer field that frames", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n", 400, errTrailerName},
	{"a trailer field that authenticates", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\nTrailer: a, authorization\r\n\r\n0\r\n\r\n", 400, errTrailerName},
	{"a trailer field that is no token", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\nTrailer: a b\r\n\r\n0\r\n\r\n", 400, errTrailerName},
}

func fillIn(s string) string { return strings.ReplaceAll(s, "~", "Host: x\r\n") }

// problem is what a refusal looks like.
func problem(status int, reason string) string {
	return statusLines[status] + "Content-Length: " + strconv.Itoa(len(reason)) + "\r\nConnection: close\r\n\r\n" + reason
}

func TestHostileRequestsAreRefusedByTheRuleThatTheyBreak(t *testing.T) {
	s := newServer(t, echo)
	smuggled := "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			want := problem(c.status, c.reason.reason)
			request := fillIn(c.request)
			// However the bytes are cut, and whatever lies behind them, the answer
			// is this one and no other.
			for _, step := range []int{1, 2, 3, 5, 8, 13, 1000, 1 << 20} {
				if got := play(t, s, request, step); got != want {
					t.Fatalf("read in pieces of %d bytes: got %q, want %q", step, got, want)
				}
			}
			if strings.HasSuffix(request, "\r\n") {
				if got := play(t, s, request+smuggled, 1<<20); got != want {
					t.Fatalf("with a request behind it: got %q, want %q", got, want)
				}
			}
		})
	}
}
