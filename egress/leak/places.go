// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import "bytes"

// addresses: RFC 1918, loopback, link-local (with the metadata services of
// clouds), unique local addresses (RFC 4193) and names that only a cluster or
// a cloud's own network resolves.
func addresses() []anchor {
	out := at(reachShort, address4, "10.", "127.", "169.254.", "172.", "192.168.")
	for _, c := range "0123456789abcdef" {
		out = append(out, folded(reachShort, address6, "fd"+string(c))...)
	}
	out = append(out, folded(reachShort, address6, "fe80:")...)
	out = append(out, at(reachShort, loopback6, "[::1]")...)
	out = append(out, folded(reachLine, localhost, "localhost:")...)
	return append(out, folded(reachLine, hostName, ".svc.cluster.local", ".compute.internal", ".ec2.internal", "metadata.google.internal", ".internal.cloudapp.net")...)
}

func address4(v view) found {
	if v.at > 0 && !escapeEnds(v.b, v.at) {
		c := v.b[v.at-1]
		if class[c]&(alnum|dashes) != 0 || c == '.' || c == '/' && v.at > 1 && class[v.b[v.at-2]]&alnum != 0 {
			return found{}
		}
	}
	var octet [4]int
	i := v.at
	for k := range octet {
		end := run(v.b, i, digit)
		if end == i || end-i > 3 || end-i > 1 && v.b[i] == '0' {
			return found{}
		}
		for _, c := range v.b[i:end] {
			octet[k] = octet[k]*10 + int(c-'0')
		}
		if octet[k] > 255 {
			return found{}
		}
		if i = end; k < 3 {
			if i >= len(v.b) || v.b[i] != '.' {
				return found{}
			}
			i++
		}
	}
	if octet[0] == 172 && (octet[1] < 16 || octet[1] > 31) || !ends(v.b, i, alnum|dashes) ||
		i+1 < len(v.b) && v.b[i] == '.' && class[v.b[i+1]]&digit != 0 || mentions(subject(v), "version", "release", "oid", "firmware") {
		return found{}
	}
	return found{v.at, i, 0}
}

// address6 wants at least three groups, so that a time or a short hash is none.
func address6(v view) found {
	if !starts(v.b, v.at, alnum|dashes) || v.at > 0 && v.b[v.at-1] == ':' && (v.at < 2 || v.b[v.at-2] != ' ') && v.at > 1 && class[v.b[v.at-2]]&alnum != 0 {
		return found{}
	}
	groups, length, i := 1, 0, v.at
	double := false
	for ; i < len(v.b); i++ {
		c := fold(v.b[i])
		if c == ':' {
			if i+1 < len(v.b) && v.b[i+1] == ':' {
				double = true
				i++
			}
			groups, length = groups+1, 0
			continue
		}
		if class[c]&hexLower == 0 {
			break
		}
		if length++; length > 4 {
			return found{}
		}
	}
	four := v.at+4 < len(v.b) && v.b[v.at+4] == ':'
	if !four || !ends(v.b, i, alnum|dashes) || groups > 8 || !double && groups != 8 || double && groups < 2 {
		return found{}
	}
	return found{v.at, i, 0}
}

func loopback6(v view) found { return found{v.at, v.at + len("[::1]"), 0} }

func localhost(v view) found {
	end, ok := lineNumber(v.b, v.at+len("localhost:"))
	if !ok || end-v.at > len("localhost:")+5 || !starts(v.b, v.at, alnum|dashes) || v.at > 0 && v.b[v.at-1] == '.' {
		return found{}
	}
	return found{v.at, end, 0}
}

// hostName masks the whole name of which the anchor is the end.
func hostName(v view) found {
	end := v.at + 1
	for end < len(v.b) && (class[v.b[end]]&(alnum|dashes) != 0 || v.b[end] == '.' && end+1 < len(v.b) && class[v.b[end+1]]&letter != 0) {
		end++
	}
	if v.b[v.at] == '.' && (v.at == 0 || class[v.b[v.at-1]]&(alnum|dashes) == 0) {
		return found{}
	}
	return found{v.at, end, 0}
}

// paths of files on a server. A path that could as well be one of a URL needs
// the name of a file that only a server has at its end.
func paths() []anchor {
	sure := []string{
		"/usr/lib/", "/usr/local/", "/usr/share/", "/usr/src/", "/usr/bin/", "/var/www/", "/var/lib/", "/var/log/", "/var/run/", "/var/task/", "/etc/passwd", "/etc/shadow",
		"/etc/nginx", "/etc/ssl/", "/proc/self/", "/node_modules/", "/site-packages/", "/dist-packages/", "/go/pkg/mod/", "/WEB-INF/",
	}
	unsure := []string{"/home/", "/opt/", "/srv/", "/root/", "/app/", "/tmp/", "/mnt/", "/Users/", "/workspace/", "/etc/", "/var/", "/data/"}
	out := at(reachLine, path(false), append(sure, slashed(sure)...)...)
	out = append(out, at(reachLine, path(true), append(unsure, slashed(unsure)...)...)...)
	return append(out, at(reachLine, drive, `C:\`, `D:\`, `E:\`)...)
}

// slashed gives texts as some libraries write them in JSON.
func slashed(texts []string) []string {
	var out []string
	for _, t := range texts {
		out = append(out, string(bytes.ReplaceAll([]byte(t), []byte("/"), []byte(`\/`))))
	}
	return out
}

// files are the ends of names that no URL of an API has.
var files = []string{
	".py", ".js", ".ts", ".java", ".go", ".rb", ".php", ".cs", ".so", ".conf", ".cfg", ".ini", ".yml", ".yaml", ".log", ".jar", ".war", ".class",
	".dll", ".sock", ".sh", ".db", ".sqlite", ".sqlite3", ".pem", ".key", ".env", ".lock", ".toml", ".sql", ".mjs", ".kt", ".rs", ".exe", ".config", ".properties",
}

func path(unsure bool) func(view) found {
	return func(v view) found {
		slashFirst := v.at > 0 && !escapeEnds(v.b, v.at) &&
			(class[v.b[v.at-1]]&(alnum|dashes|base64) != 0 || v.b[v.at-1] == '.' || v.b[v.at-1] == '}' || v.b[v.at-1] == '~')
		inner := bytes.HasPrefix(v.b[v.at:], []byte("/node_modules/")) || bytes.HasPrefix(v.b[v.at:], []byte("/site-packages/")) ||
			bytes.HasPrefix(v.b[v.at:], []byte("/dist-packages/"))
		if slashFirst && (!inner || mentions(v.b[:v.at], "http://", "https://")) {
			return found{}
		}
		end := v.at
		for end < len(v.b) && (class[v.b[end]]&(alnum|dashes) != 0 || bytes.IndexByte([]byte(`/.+@~`), v.b[end]) >= 0 ||
			v.b[end] == '\\' && end+1 < len(v.b) && v.b[end+1] == '/') {
			end++
		}
		for end > v.at && v.b[end-1] == '.' {
			end--
		}
		if unsure && !isFile(v.b[v.at:end]) {
			return found{}
		}
		return found{v.at, end, 0}
	}
}

func isFile(path []byte) bool {
	name := path[bytes.LastIndexByte(path, '/')+1:]
	dot := bytes.LastIndexByte(name, '.')
	if dot < 0 {
		return false
	}
	for _, f := range files {
		if string(name[dot:]) == f {
			return true
		}
	}
	return false
}

// drive: a path of Windows. In a JSON string the backslash is double; a single
// one in front of the letter of an escape is no path.
func drive(v view) found {
	i := v.at + 3
	if !starts(v.b, v.at, alnum) || i >= len(v.b) {
		return found{}
	}
	if v.b[i] == '\\' {
		i++
	} else if bytes.IndexByte([]byte(`bfnrtu"/`), v.b[i]) >= 0 {
		return found{}
	}
	end := i
	for end < len(v.b) && (class[v.b[end]]&(alnum|dashes) != 0 || bytes.IndexByte([]byte(`\. ()~`), v.b[end]) >= 0) {
		if v.b[end] == '\\' && i > v.at+3 && (end+1 >= len(v.b) || v.b[end+1] != '\\') {
			break // an escape, not a separator
		} else if v.b[end] == '\\' {
			end++
		}
		end++
	}
	for end = min(end, len(v.b)); end > i && (v.b[end-1] == ' ' || v.b[end-1] == '.' || v.b[end-1] == '('); {
		end--
	}
	if end-i < 3 || class[v.b[i]]&alnum == 0 {
		return found{}
	}
	return found{v.at, end, 0}
}
