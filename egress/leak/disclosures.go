// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import "bytes"

// disclosures are what only an attacker can use.
func disclosures() []maker {
	return []maker{
		{Detector: Detector{ID: "stack_trace", Kind: Disclosure}, anchors: traces()},
		{Detector: Detector{ID: "sql_error", Kind: Disclosure}, anchors: sqlErrors()},
		{Detector: Detector{ID: "server_banner", Kind: Disclosure}, anchors: banners()},
		{Detector: Detector{ID: "internal_address", Kind: Disclosure}, anchors: addresses()},
		{Detector: Detector{ID: "file_path", Kind: Disclosure}, anchors: paths()},
	}
}

// rest is the text from the anchor to the end of its line, element or string.
func rest(v view) found {
	end := v.at
	for end < len(v.b) && v.b[end] != '"' && v.b[end] != '<' && v.b[end] != '>' {
		if v.b[end] == '\\' && end+1 < len(v.b) {
			if c := v.b[end+1]; c == 'n' || c == 'r' || c == 't' || c == 'u' {
				break
			}
			end++
		}
		end++
	}
	return found{v.at, max(end, v.at+1), 0}
}

// lineNumber tells whether digits stand at i, and gives their end.
func lineNumber(b []byte, i int) (end int, ok bool) {
	end = run(b, i, digit)
	return end, end > i && end-i <= 7
}

// after makes a check of a place in a source file: the anchor, a line's number,
// and one of the texts. With before, one of those texts stands in front of it.
func after(prefix int, before []string, behind ...string) func(view) found {
	return func(v view) found {
		end, ok := lineNumber(v.b, v.at+prefix)
		if !ok || len(before) > 0 && !contains(v.b[:v.at], before) {
			return found{}
		}
		for _, text := range behind {
			if bytes.HasPrefix(v.b[end:], []byte(text)) {
				return found{v.at, end, 0}
			}
		}
		return found{}
	}
}

func contains(b []byte, texts []string) bool {
	for _, t := range texts {
		if bytes.Contains(b, []byte(t)) {
			return true
		}
	}
	return false
}

// traces: the frames as runtimes print them, and the lines that stand above.
func traces() []anchor {
	var out []anchor
	for _, ext := range []string{".java:", ".kt:", ".scala:", ".groovy:"} { // at a.b.C.m(C.java:12)
		out = append(out, at(reachLine, after(len(ext), []string{"("}, ")"), ext)...)
	}
	for _, ext := range []string{".js:", ".ts:", ".mjs:", ".cjs:", ".jsx:", ".tsx:"} { // at f (/a/b.js:1:2)
		out = append(out, at(reachLine, after(len(ext), []string{"at "}, ":"), ext)...)
	}
	out = append(out, at(reachLine, after(len(".go:"), nil, " +0x", "\\u002b0x"), ".go:")...)
	out = append(out, at(reachLine, after(len(".rb:"), nil, ":in "), ".rb:")...)
	out = append(out, at(reachLine, after(len(".php:"), []string{" in "}, ""), ".php:")...)
	out = append(out, at(reachLine, after(len(".php("), nil, "): "), ".php(")...)
	for _, text := range []string{".php on line ", ".php</b> on line <b>", ".cs:line ", ".vb:line ", ".fs:line ", ".py\", line ", `.py\", line `} {
		out = append(out, at(reachLine, after(len(text), nil, ""), text)...)
	}
	out = append(out, at(reachLine, goroutine, "goroutine ")...)
	return append(out, at(reachLine, rest,
		"Traceback (most recent call last)", "(Native Method)", "(Unknown Source)", "Exception in thread \"", `Exception in thread \"`,
		"node:internal/", "(internal/modules/cjs", "at System.", "at Microsoft.AspNetCore.", "at java.", "at org.springframework.", "at javax.", "at jakarta.",
		"PHP Fatal error:", "PHP Stack trace:", "Fatal error: Uncaught", "--- End of inner exception stack trace", "panic: runtime error:",
		"Caused by: java.", "Caused by: org.", "Caused by: com.", "Server Error in '/' Application",
	)...)
}

// goroutine: "goroutine 7 [running]:".
func goroutine(v view) found {
	i := v.at + len("goroutine ")
	end, ok := lineNumber(v.b, i)
	if !ok || !bytes.HasPrefix(v.b[end:], []byte(" [")) || !bytes.Contains(v.b[end:min(len(v.b), end+48)], []byte("]:")) {
		return found{}
	}
	return rest(v)
}

// sqlErrors: what PostgreSQL, MySQL, Oracle, SQL Server, SQLite and their
// drivers say.
func sqlErrors() []anchor {
	out := at(reachLine, oracle, "ORA-", "PLS-")
	out = append(out, at(reachLine, sqlState, "SQLSTATE")...)
	return append(out, at(reachLine, rest,
		"syntax error at or near", "violates unique constraint", "violates foreign key constraint", "violates not-null constraint",
		"violates check constraint", "PSQLException", "org.postgresql.", "pq: ", "psycopg2.", "unterminated quoted string at or near",
		"You have an error in your SQL syntax", "check the manual that corresponds to your", "Unknown column '", "com.mysql.", "ER_DUP_ENTRY",
		"ER_PARSE_ERROR", "ER_BAD_FIELD_ERROR", "ER_NO_SUCH_TABLE", "Cannot add or update a child row", "mysqli_", "mysql_fetch_", "PDOException",
		"Unclosed quotation mark after the character string", "Incorrect syntax near", "OLE DB Provider for", "ODBC SQL Server Driver", "ODBC Driver",
		"System.Data.SqlClient", "Microsoft.Data.SqlClient", "Violation of PRIMARY KEY constraint", "Violation of UNIQUE KEY constraint", "Invalid column name '",
		"Conversion failed when converting", "com.microsoft.sqlserver.", "oracle.jdbc.", "quoted string not properly terminated",
		"SQLITE_ERROR", "SQLITE_CONSTRAINT", "UNIQUE constraint failed:", "NOT NULL constraint failed:", "FOREIGN KEY constraint failed", "sqlite3.OperationalError",
		"sqlite3.IntegrityError", "no such table:", "no such column:", "SequelizeDatabaseError", "sqlalchemy.exc.", "org.hibernate.", "java.sql.SQL", "ActiveRecord::",
	)...)
}

// oracle: "ORA-00933" and the like.
func oracle(v view) found {
	if end, ok := lineNumber(v.b, v.at+4); ok && end-v.at == 9 && starts(v.b, v.at, alnum) && ends(v.b, end, alnum) {
		return rest(v)
	}
	return found{}
}

// sqlState: "SQLSTATE[42S02]", "(SQLSTATE 42P01)", "SQLSTATE: 23505".
func sqlState(v view) found {
	i := v.at + len("SQLSTATE")
	for i < len(v.b) && bytes.IndexByte([]byte("[: ="), v.b[i]) >= 0 {
		i++
	}
	if n := run(v.b, i, digit|upper); n-i == 5 || n > i && i > v.at+len("SQLSTATE") && v.b[i-1] == '[' {
		return rest(v)
	}
	return found{}
}

// banners: the default pages of servers, and their names with a version.
func banners() []anchor {
	out := at(reachLine, banner,
		"Apache/", "Apache Tomcat/", "Microsoft-IIS/", "nginx/", "openresty/", "Jetty://", "jetty/", "Werkzeug/", "PHP/", "gunicorn/", "lighttpd/", "Kestrel/", "Tengine/", "GlassFish")
	return append(out, at(reachLine, rest,
		"<center>nginx", "<center>openresty", "<address>Apache", "<h1>HTTP Status ", "IIS Detailed Error", "IIS Web Core", "<title>IIS", "Whitelabel Error Page",
		"<title>Apache Tomcat", "Powered by Jetty", "Werkzeug Debugger", "Django Version:", "You're seeing this error because you have",
		"X-Powered-By", "Internet Information Services", "<title>phpinfo()", "Phusion Passenger", "<title>Action Controller",
	)...)
}

// banner wants a version behind the name.
func banner(v view) found {
	name := v.b[v.at:]
	slash := bytes.IndexByte(name, '/')
	if slash < 0 || !starts(v.b, v.at, alnum|dashes) {
		return found{}
	}
	i := v.at + run(name, slash, base64)
	if i >= len(v.b) || class[v.b[i]]&digit == 0 {
		return found{}
	}
	end := i
	for end < len(v.b) && (class[v.b[end]]&(alnum|dashes) != 0 || v.b[end] == '.') {
		end++
	}
	if bytes.IndexByte(v.b[i:end], '.') < 0 {
		return found{}
	}
	return found{v.at, end, 0}
}
