// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	stdbase64 "encoding/base64"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// The positives are made when the test runs: a repository must not hold what a
// scanner of secrets takes for one.

const (
	lowerHex  = "0123456789abcdef"
	upperNum  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	allAlnum  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	urlChars  = allAlnum + "-_"
	baseChars = allAlnum + "+/"
)

type forge struct{ *rand.Rand }

func newForge() forge { return forge{rand.New(rand.NewPCG(6, 2026))} }

func (m forge) of(chars string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = chars[m.IntN(len(chars))]
	}
	return string(b)
}

// mix is of, for text that has digits and letters in any case.
func (m forge) mix(chars string, n int) string {
	for {
		if s := m.of(chars, n); mixed([]byte(s)) {
			return s
		}
	}
}

func sum62(text string, n int) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		out[i], sum = base62[sum%62], sum/62
	}
	return string(out)
}

// withLuhn completes a number.
func (m forge) card(prefix string, n int) string {
	for {
		s := prefix + m.of("0123456789", n-len(prefix))
		if luhn([]byte(s)) && !alike([]byte(s[6:n-1])) {
			return s
		}
	}
}

func grouped(s string, separator string, sizes ...int) string {
	var out []string
	for _, n := range sizes {
		out, s = append(out, s[:n]), s[n:]
	}
	return strings.Join(out, separator)
}

func (m forge) iban(country string, bban string) string {
	for check := 2; check < 99; check++ {
		if s := fmt.Sprintf("%s%02d%s", country, check, bban); mod97([]byte(s)) {
			return s
		}
	}
	panic("no check digits")
}

func (m forge) until(make func() string, ok func(string) bool) string {
	for {
		if s := make(); ok(s) {
			return s
		}
	}
}

func (m forge) pem(label string, lines int, end string) string {
	var b strings.Builder
	b.WriteString("-----BEGIN " + label + "-----" + end)
	for range lines {
		b.WriteString(m.mix(baseChars, 64) + end)
	}
	return b.String() + "-----END " + label + "-----"
}

func (m forge) jwt(alg string) string {
	enc := stdbase64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"`+alg+`","typ":"JWT"}`)) + "." + enc([]byte(`{"sub":"`+m.of(allAlnum, 12)+`"}`)) + "." + m.of(urlChars, 43)
}

// credentials gives texts that each detector of credentials must find whole.
func (m forge) credentials() map[string][]string {
	out := map[string][]string{}
	for _, t := range tokens {
		if t.id == "durward_key" {
			continue
		}
		chars := ""
		for c := range 128 {
			if class[c]&t.classes != 0 && (t.valid == nil || t.id != "aws_access_key" || strings.ContainsRune(upperNum, rune(c))) {
				chars += string(rune(c))
			}
		}
		for range 5 {
			for _, p := range t.prefixes[:min(len(t.prefixes), 5)] {
				n := t.min
				if t.max == 0 {
					n += m.IntN(12)
				}
				body := m.mix(chars, n)
				if t.id == "github_token" && n >= 36 && len(p) == 4 {
					body = body[:30]
					body += sum62(body, 6)
				}
				out[t.id] = append(out[t.id], p+strings.TrimRight(body, "-=")+strings.Repeat("a", len(body)-len(strings.TrimRight(body, "-="))))
			}
		}
	}
	for range 5 {
		key := "dw_" + "live_" + m.of(allAlnum, 12) + "_" + m.of(allAlnum, 32)
		out["durward_key"] = append(out["durward_key"], key+sum62(key, 6), "dwc_"+m.of(urlChars, 90))
		out["sendgrid_key"] = append(out["sendgrid_key"], "SG."+m.of(allAlnum, 22)+"."+m.of(urlChars, 42)+"a")
		out["jwt"] = append(out["jwt"], m.jwt("RS256"), m.jwt("none"), m.jwt("ES256"))
		out["password_hash"] = append(out["password_hash"],
			"$2"+"b$12$"+m.mix(allAlnum+"./", 53), "$argon2"+"id$v=19$m=65536,t=3,p=4$"+m.mix(baseChars, 22)+"$"+m.mix(baseChars, 43),
			"$6"+"$"+m.of(allAlnum, 12)+"$"+m.mix(allAlnum+"./", 86), "pbkdf2_"+"sha256$600000$"+m.of(allAlnum, 12)+"$"+m.mix(baseChars, 43)+"=", "{SS"+"HA}"+m.mix(baseChars, 38))
		out["private_key"] = append(out["private_key"], m.pem("PRIVATE"+" KEY", 4, `\n`), m.pem("RSA PRIVATE"+" KEY", 25, `\n`), m.pem("OPENSSH PRIVATE"+" KEY", 6, `\r\n`))
		out["card_number"] = append(out["card_number"], m.card("4", 16), m.card("52", 16), m.card("37", 15), m.card("6011", 16), m.card("3530", 16),
			grouped(m.card("4", 16), " ", 4, 4, 4, 4), grouped(m.card("2223", 16), "-", 4, 4, 4, 4), grouped(m.card("34", 15), " ", 4, 6, 5))
		de, gb := m.iban("DE", m.of("0123456789", 18)), m.iban("GB", "WEST"+m.of("0123456789", 14))
		out["iban"] = append(out["iban"], de, gb, m.iban("NO", m.of("0123456789", 11)), m.iban("FR", m.of("0123456789", 20)+"A12"), grouped(de, " ", 4, 4, 4, 4, 4, 2), grouped(gb, " ", 4, 4, 4, 4, 4, 2))
		cf := m.until(func() string {
			return m.of("BCDFGHLM", 6) + m.of("0123456789", 2) + "A" + "10" + "H" + m.of("0123456789", 3) + m.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1)
		}, func(s string) bool { return itCodiceFiscale(view{[]byte(s), 6}).end > 0 })
		nir := m.of("12", 1) + fmt.Sprintf("%02d%02d", m.IntN(100), 1+m.IntN(12)) + m.of("0123456789", 8)
		var n int64
		fmt.Sscan(nir, &n)
		out["it_codice_fiscale"] = append(out["it_codice_fiscale"], cf)
		out["fr_nir"] = append(out["fr_nir"], fmt.Sprintf("%s%02d", nir, 97-n%97))
		dni := 10000000 + m.IntN(89999999)
		out["es_dni"] = append(out["es_dni"], fmt.Sprintf("%d%c", dni, "TRWAGMYFPDXBNJZSQVHLCKE"[dni%23]))
		nie := 1000000 + m.IntN(8999999)
		out["es_dni"] = append(out["es_dni"], fmt.Sprintf("Y%d%c", nie, "TRWAGMYFPDXBNJZSQVHLCKE"[(10000000+nie)%23]))
		out["uk_nino"] = append(out["uk_nino"], "AB"+m.of("0123456789", 6)+m.of("ABCD", 1))
		cpf := m.until(func() string { return m.of("0123456789", 11) }, func(s string) bool { return brCPF(view{[]byte("cpf " + s), 4}).end > 0 })
		out["br_cpf"] = append(out["br_cpf"], cpf[:3]+"."+cpf[3:6]+"."+cpf[6:9]+"-"+cpf[9:])
	}
	return out
}

// sentences gives whole texts in which a detector must find something.
func (m forge) sentences() map[string][]string {
	out := map[string][]string{}
	for range 5 {
		bsn := m.until(func() string { return m.of("0123456789", 9) }, func(s string) bool { return nlBSN(view{[]byte("bsn " + s), 4}).end > 0 })
		idnr := m.until(func() string { return m.of("0123456789", 11) }, func(s string) bool { return deSteuerID(view{[]byte("tin " + s), 4}).end > 0 })
		add := func(id string, texts ...string) { out[id] = append(out[id], texts...) }
		add("nl_bsn", `{"bsn":"`+bsn+`"}`, "Burgerservicenummer: "+bsn)
		add("de_steuer_id", `{"steuerId":"`+idnr+`"}`, "Steuer-IdNr. "+idnr)
		add("us_ssn", fmt.Sprintf(`{"ssn":"%03d-%02d-%04d"}`, 100+m.IntN(500), 1+m.IntN(98), 1+m.IntN(9998)),
			fmt.Sprintf("Social Security Number: %03d%02d%04d", 100+m.IntN(500), 1+m.IntN(98), 1+m.IntN(9998)))
		add("aws_secret_key", `{"SecretAccessKey":"`+m.mix(baseChars, 40)+`"}`, "aws_secret_access_key = "+m.mix(baseChars, 40))
		add("azure_storage_key", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey="+m.mix(baseChars, 86)+"==;EndpointSuffix=core")
		add("gcp_service_account", `{"type":"service_account","private_key_id":"`+m.mix(lowerHex, 40)+`"}`)
		add("slack_webhook", `{"url":"https://hooks.slack.com/services/T`+m.of(upperNum, 8)+"/B"+m.of(upperNum, 8)+"/"+m.of(allAlnum, 24)+`"}`)
		add("url_credentials", `{"dsn":"postgres://app:`+m.mix(allAlnum, 12)+`@db.example.com:5432/app"}`, "amqp://guest:"+m.mix(allAlnum, 10)+"@mq.example.com",
			`{"u":"mongodb+srv:\/\/root:`+m.mix(allAlnum, 14)+`@cluster.example.net\/db"}`)
		add("internal_address", fmt.Sprintf(`{"peer":"10.%d.%d.%d:8080"}`, m.IntN(256), m.IntN(256), m.IntN(256)), fmt.Sprintf("dial tcp 192.168.%d.%d:5432: connect: refused", m.IntN(256), m.IntN(256)),
			fmt.Sprintf(`{"h":"172.%d.0.4"}`, 16+m.IntN(16)), `{"u":"http://127.0.0.1:8080/x"}`, `{"u":"http://169.254.169.254/latest/meta-data"}`, `{"u":"http://[fd12:3456:789a::1]:80/"}`,
			`{"u":"http://localhost:3000/"}`, `{"h":"db.prod.svc.cluster.local"}`, `{"h":"ip-10-0-0-5.eu-west-1.compute.internal"}`, `{"m":"from\n10.1.2.3"}`)
	}
	return out
}

var told = map[string][]string{
	"stack_trace": {
		`{"error":"java.lang.NullPointerException\n\tat com.acme.Orders.get(Orders.java:42)\n\tat com.acme.Api.call(Api.java:7)"}`,
		"Exception in thread \"main\" java.lang.IllegalStateException", "Caused by: java.sql.Timeout",
		"Traceback (most recent call last):\n  File \"/srv/app/api.py\", line 12, in get", `{"e":"File \"app.py\", line 3, in <module>"}`,
		"goroutine 17 [running]:\nmain.main()", "\t/build/main.go:33 +0x1d", "panic: runtime error: index out of range [3]",
		"   at Acme.Orders.Get(Int32 id) in Orders.cs:line 42", "   at System.Web.Mvc.Controller.Execute()", "Server Error in '/' Application.",
		"TypeError: x is undefined\n    at get (/srv/api/orders.js:10:15)", "    at node:internal/process/task_queues:95:5", "at Object.<anonymous> (index.ts:4:2)",
		"PHP Fatal error:  Uncaught Error: Call to undefined function f()", "Fatal error: Uncaught Exception in x", "in orders.php on line 12", "#0 orders.php(12): get()",
		"app/models/order.rb:12:in `find'", "at java.base/java.lang.Thread.run(Thread.java:833)", "at org.springframework.web.Servlet.call(Unknown Source)",
	},
	"sql_error": {
		`{"error":"pq: duplicate key value violates unique constraint \"users_email_key\""}`, `ERROR: syntax error at or near "SELEC"`, "org.postgresql.util.PSQLException: x",
		"You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version", "Unknown column 'a' in 'field list'", "ER_DUP_ENTRY: Duplicate entry",
		"ORA-00933: SQL command not properly ended", "ORA-01756: quoted string not properly terminated", "PLS-00103: found x",
		"Unclosed quotation mark after the character string ''.", "Incorrect syntax near 'x'.", "Violation of PRIMARY KEY constraint 'PK_1'.", "System.Data.SqlClient.SqlException",
		"SQLITE_ERROR: no such table: users", "UNIQUE constraint failed: users.email", "sqlite3.OperationalError: near x", "SQLSTATE[42S02]: Base table", "SQLSTATE 23505", "sqlalchemy.exc.ProgrammingError",
	},
	"server_banner": {
		"<hr><center>nginx/1.18.0</center>", "<center>nginx</center>", "<address>Apache/2.4.41 (Ubuntu) Server at x Port 80</address>", "<h1>HTTP Status 404 – Not Found</h1>",
		"<h3>Apache Tomcat/9.0.31</h3>", "Microsoft-IIS/10.0", "<title>IIS 10.0 Detailed Error - 404.0</title>", "Whitelabel Error Page", "Powered by Jetty:// 9.4.2", "PHP/7.4.3", "Werkzeug/2.0.1 Python/3.9",
	},
	"file_path": {
		`{"error":"open /etc/passwd: no such file"}`, `{"e":"ENOENT: /home/deploy/app/config.yml"}`, "/var/www/html/index.php", "/usr/local/lib/python3.9/x", "/usr/lib/jvm/java", `{"e":"C:\\Users\\deploy\\app\\x.dll"}`,
		`D:\inetpub\wwwroot\web.config`, "/srv/app/api.py", "/app/src/index.js", "/opt/acme/conf/server.properties", "/root/app.jar", `{"e":"\/var\/www\/html\/a.php"}`, "/home/ci/node_modules/express/lib/router/index.js",
	},
}

// around gives places in which a credential stands in answers.
var around = []string{`{"value":"%s"}`, `{"a":[1,"x","%s"],"b":null}`, `{"text":"use %s now"}`, "value=%s", `{"log":"line\n%s\nend"}`, `<v>%s</v>`}

type tally struct{ hit, missed, wrong int }

func TestPrecisionAndRecall(t *testing.T) {
	set, m := everything(), newForge()
	scores := map[string]*tally{}
	for _, d := range set.Detectors {
		scores[d.ID] = new(tally)
	}
	scan := func(text string, want string) {
		got := map[string]bool{}
		for _, f := range set.Scan(nil, []byte(text)) {
			got[set.Detectors[f.Detector].ID] = true
		}
		for id := range got {
			kind := set.Detectors[slices.IndexFunc(set.Detectors, func(d Detector) bool { return d.ID == id })].Kind
			if id == want {
				scores[id].hit++
			} else if want == "" || kind != Disclosure {
				scores[id].wrong++
				if want == "" {
					t.Logf("%s is found in %s", id, text)
				} else {
					t.Logf("%s is found where %s was meant", id, want)
				}
			}
		}
		if want != "" && !got[want] {
			scores[want].missed++
			t.Logf("%s is missed in an example of %d bytes, which begins %.12q", want, len(text), text)
		}
	}
	positives := 0
	for _, by := range []map[string][]string{m.credentials(), m.sentences(), told} {
		ids := make([]string, 0, len(by))
		for id := range by {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			for i, text := range by[id] {
				positives++
				if _, whole := told[id]; !whole && !strings.ContainsAny(text, "{ ") && !strings.Contains(text, "://") || id == "iban" || id == "card_number" || id == "private_key" || id == "password_hash" {
					text = fmt.Sprintf(around[i%len(around)], text)
				}
				scan(text, id)
			}
		}
	}
	benign := benignTexts(t, m)
	for _, text := range benign {
		scan(text, "")
	}
	if positives < 200 || len(benign) < 400 {
		t.Errorf("%d positives and %d benign texts are too few", positives, len(benign))
	}
	t.Logf("%d positives, %d benign", positives, len(benign))
	for _, d := range set.Detectors {
		s := scores[d.ID]
		recall := float64(s.hit) / float64(max(s.hit+s.missed, 1))
		precision := float64(s.hit) / float64(max(s.hit+s.wrong, 1))
		t.Logf("%-20s precision %.3f recall %.3f (%d found, %d missed, %d wrong)", d.ID, precision, recall, s.hit, s.missed, s.wrong)
		if recall < 0.95 || precision < 0.95 {
			t.Errorf("%s: precision %.3f, recall %.3f; both must be at least 0.95", d.ID, precision, recall)
		}
	}
}

// benignTexts are those of the table, and random ones of kinds that are common
// in answers.
func benignTexts(t *testing.T, m forge) []string {
	t.Helper()
	table, err := os.ReadFile("testdata/benign.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := strings.Split(strings.TrimSpace(string(table)), "\n")
	for range 40 {
		out = append(out,
			fmt.Sprintf(`{"id":"%s-%s-%s-%s-%s"}`, m.of(lowerHex, 8), m.of(lowerHex, 4), m.of(lowerHex, 4), m.of(lowerHex, 4), m.of(lowerHex, 12)),
			fmt.Sprintf(`{"order_number":"%s"}`, m.of("0123456789", 16)),
			fmt.Sprintf(`{"commit":"%s","parent":"%s"}`, m.of(lowerHex, 40), m.of(lowerHex, 40)),
			fmt.Sprintf(`{"digest":"sha256:%s"}`, m.of(lowerHex, 64)),
			fmt.Sprintf(`{"data":"%s="}`, m.of(baseChars, 431)),
			fmt.Sprintf(`{"ts":17%s,"took":0.%s}`, m.of("0123456789", 11), m.of("0123456789", 16)),
			fmt.Sprintf(`{"phone":"+%s","ean":"40%s"}`, m.of("123456789", 11), m.of("0123456789", 11)),
			fmt.Sprintf(`{"etag":"\"%s\"","next":"%s"}`, m.of(urlChars, 27), m.of(urlChars, 60)),
		)
	}
	return out
}
