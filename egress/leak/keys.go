// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"bytes"
	stdbase64 "encoding/base64"
)

var (
	pemEnd    = []byte("-----END ")
	pemDashes = []byte("-----")
)

// keys are credentials that no single vendor makes.
func keys() []maker {
	private := at(reachKey, privateKey, "-----BEGIN ")
	private[0].lines = true
	return []maker{
		{Detector: Detector{ID: "private_key", Kind: Secret}, anchors: private},
		{Detector: Detector{ID: "jwt", Kind: Secret}, anchors: at(reachToken, jwt, "eyJ")},
		{Detector: Detector{ID: "password_hash", Kind: Secret}, anchors: append(
			at(reachLine, passwordHash, "$2a$", "$2b$", "$2y$", "$argon2", "$scrypt$", "$pbkdf2", "$5$", "$6$", "$1$", "$apr1$", "$y$", "$7$"),
			at(reachLine, namedHash, "{SSHA", "{PBKDF2", "{CRYPT}", "{SHA512", "pbkdf2_sha", "pbkdf2:sha", "scrypt:")...)},
		{Detector: Detector{ID: "url_credentials", Kind: Secret}, anchors: at(reachLine, urlCredentials, "://", `:\/\/`)},
	}
}

// privateKey: RFC 7468, and the same in a JSON string. One without an end, as
// far as can be seen, is one all the same.
func privateKey(v view) found {
	label := v.b[v.at+len("-----BEGIN "):]
	close := bytes.Index(label[:min(len(label), 48)], pemDashes)
	if close < 0 || !bytes.Contains(label[:close], []byte("PRIVATE KEY")) {
		return found{}
	}
	body := label[close+len(pemDashes):]
	end := len(v.b)
	if k := bytes.Index(body, pemEnd); k >= 0 {
		body = body[:k]
		rest := v.b[end-len(label)+close+len(pemDashes)+k+len(pemEnd):]
		if d := bytes.Index(rest, pemDashes); d >= 0 {
			end = len(v.b) - len(rest) + d + len(pemDashes)
		}
	} else if q := bytes.IndexByte(body, '"'); q >= 0 {
		body = body[:q]
		end = len(v.b) - len(label) + close + len(pemDashes) + q
	}
	if len(body) < 40 || bytes.Contains(body, []byte("...")) || !mixed(body) {
		return found{} // a placeholder
	}
	return found{v.at, end, 0}
}

// jwt: three parts in base64url (RFC 7515, 3.1) or the five of RFC 7516, of
// which the first is a JSON object with an algorithm.
func jwt(v view) found {
	if !starts(v.b, v.at, url64) {
		return found{}
	}
	end := run(v.b, v.at, url64)
	header := v.b[v.at:end]
	parts := 1
	for parts < 5 && end < len(v.b) && v.b[end] == '.' {
		n := run(v.b, end+1, url64)
		if n == end+1 && parts < 2 {
			break
		}
		end, parts = n, parts+1
	}
	if parts != 3 && parts != 5 || len(header) > 1024 || end-v.at < len(header)+24 {
		return found{}
	}
	var plain [768]byte
	n, err := stdbase64.RawURLEncoding.Decode(plain[:], header)
	if err != nil || n < 8 || plain[n-1] != '}' || !bytes.Contains(plain[:n], []byte(`"alg"`)) {
		return found{}
	}
	return found{v.at, end, 0}
}

// passwordHash: the modular crypt format, and the string format of the
// Password Hashing Competition.
func passwordHash(v view) found {
	if v.at > 0 && class[v.b[v.at-1]]&alnum != 0 && !escapeEnds(v.b, v.at) {
		return found{}
	}
	end, dollars := v.at, 0
	for end < len(v.b) {
		c := v.b[end]
		if c == '$' {
			dollars++
		} else if class[c]&(alnum|base64|padding|dashes) == 0 && c != '.' && c != ',' {
			break
		}
		end++
	}
	text := v.b[v.at:end]
	last := text[bytes.LastIndexByte(text, '$')+1:]
	if dollars < 3 || len(last) < 22 || !mixed(last) {
		return found{}
	}
	if text[1] == '2' && (len(last) != 53 || dollars != 3) {
		return found{}
	}
	return found{v.at, end, 0}
}

// namedHash: RFC 2307 and its relatives, Django and Werkzeug.
func namedHash(v view) found {
	if !starts(v.b, v.at, alnum) {
		return found{}
	}
	end := v.at
	if v.b[end] == '{' {
		close := bytes.IndexByte(v.b[end:min(len(v.b), end+24)], '}')
		if close < 0 {
			return found{}
		}
		end += close + 1
	}
	body := end
	for end < len(v.b) && (class[v.b[end]]&(alnum|base64|padding|dashes) != 0 || v.b[end] == '$' || v.b[end] == '.' || v.b[end] == ':') {
		end++
	}
	text := v.b[body:end]
	if v.b[v.at] != '{' && bytes.Count(text, []byte("$")) < 2 || len(text) < 28 || !mixed(text) {
		return found{}
	}
	return found{v.at, end, 0}
}

// urlCredentials: a password in the authority of a URL (RFC 3986, 3.2.1), as
// connection strings of databases have it. The password alone is masked.
func urlCredentials(v view) found {
	i := v.at + 3
	if v.b[v.at+1] == '\\' {
		i += 2
	}
	if v.at == 0 || class[v.b[v.at-1]]&alnum == 0 {
		return found{}
	}
	colon := 0
	for end := i; end < len(v.b) && end < i+256; end++ {
		switch c := v.b[end]; {
		case c == ':' && colon == 0:
			colon = end
		case c == '@':
			password := v.b[max(colon+1, i):end]
			if colon == 0 || len(password) < 3 || placeholder(password) || end+1 >= len(v.b) || class[v.b[end+1]]&alnum == 0 && v.b[end+1] != '[' {
				return found{}
			}
			return found{colon + 1, end, 0}
		case c == '/', c == '"', c == '<', c == '>', c == ' ', c == '\\', c == '?', c == '#', c == '\'', c == ',':
			return found{}
		}
	}
	return found{}
}

// placeholder tells whether a password is shown as none: ***, xxx, ${PASSWORD},
// or the word itself.
func placeholder(b []byte) bool {
	if b[0] == '$' || b[0] == '{' || b[0] == '%' || b[0] == '[' || b[0] == '<' {
		return true
	}
	same := bytes.Count(b, b[:1]) == len(b)
	return same || len(b) <= 12 && mentions(b, "password", "passwd", "redacted", "secret", "hidden", "masked") && !bytes.ContainsAny(b, "0123456789")
}
