// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names gives what a finder found, as "name steps: text".
func names(f *Finder) (out []string) {
	for _, v := range f.Found {
		out = append(out, v.In+" "+v.Name+" "+v.Steps+": "+v.Text)
	}
	return out
}

func TestTextsAndAttributesOfXMLAreLookedAt(t *testing.T) {
	e := std(attack)
	for name, test := range map[string]struct {
		content string
		want    []string
	}{
		"texts":                      {`<order><item>` + e + `</item><item>chair</item></order>`, []string{"body xml.order.item base64: " + attack}},
		"attributes":                 {`<order><item id="` + e + `"/></order>`, []string{"body xml.order.item.@id base64: " + attack}},
		"names with dots":            {`<a.b><c.d>` + e + `</c.d><e>` + e + `</e></a.b>`, []string{"body xml.a.b.c.d base64: " + attack, "body xml.a.b.e base64: " + attack}},
		"text in two parts":          {`<a>` + e[:9] + `<!-- -->` + e[9:] + `</a>`, []string{"body xml.a base64: " + attack}},
		"text in CDATA":              {`<a><![CDATA[` + e + `]]></a>`, []string{"body xml.a base64: " + attack}},
		"JSON":                       {`<a>{"b":"1' OR 1=1"}</a>`, []string{"body xml.a json: 1' OR 1=1"}},
		"before and behind elements": {`<a>` + e + `<b/>` + e + `</a>`, []string{"body xml.a base64: " + attack, "body xml.a base64: " + attack}},
		"what stands before a fault": {`<a>` + e + `<b>` + e, []string{"body xml.a base64: " + attack, "body xml.a.b base64: " + attack}},
		"nothing":                    {`<a>plain text</a>`, nil},
		"an end that is none":        {`</a></b><c>` + e + `</c>`, []string{"body xml.c base64: " + attack}},
	} {
		f := New(&Config{})
		f.XML([]byte(test.content))
		if diff := cmp.Diff(test.want, names(f)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		f.Release()
	}
}

func TestNamesOfDeepXMLAreBounded(t *testing.T) {
	f := New(&Config{})
	defer f.Release()
	long := strings.Repeat("n", 10_000)
	f.XML([]byte(strings.Repeat("<"+long+">", 50) + `<a ` + long + `="` + std(attack) + `">` + std(attack)))
	if len(f.Found) != 2 {
		t.Fatalf("found %d", len(f.Found))
	}
	for _, v := range f.Found {
		if len(v.Name) > maxPath+2*maxStep+4 || v.Text != attack {
			t.Errorf("a name of %d bytes, %q", len(v.Name), v.Text)
		}
	}
}

func TestFieldsOfMultipartAreLookedAt(t *testing.T) {
	e := std(attack)
	part := func(header, value string) string {
		return "--b\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + value + "\r\n"
	}
	for name, test := range map[string]struct {
		kind, content string
		want          []string
	}{
		"a field":              {"", part(`name="t"`, e) + "--b--\r\n", []string{"body t base64: " + attack}},
		"two of a name":        {"", part(`name="t"`, e) + part(`name="t"`, "plain") + part(`name="t"`, urlSafe(attack)) + "--b--", []string{"body t base64: " + attack, "body t base64url: " + attack}},
		"a file":               {"", part(`name="t"; filename="x.txt"`, e) + "--b--", nil},
		"JSON":                 {"", part(`name="t"`+"\r\nContent-Type: application/json", `{"a":"`+e+`"}`) + "--b--", []string{"body t json+base64: " + attack}},
		"XML":                  {"", part(`name="t"`+"\r\nContent-Type: text/xml; charset=utf-8", `<a>`+e+`</a>`) + "--b--", []string{"body xml.a base64: " + attack}},
		"broken off":           {"", part(`name="t"`, e) + "--b\r\nContent-Disposition: form-data; name=u\r\n\r\n" + e, []string{"body t base64: " + attack, "body u base64: " + attack}},
		"quoted printable":     {"", part(`name="t"`+"\r\nContent-Transfer-Encoding: quoted-printable", e[:9]+"=\r\n"+strings.ReplaceAll(e[9:], "=", "=3D")) + "--b--", []string{"body t base64: " + attack}},
		"without a boundary":   {"multipart/form-data", part(`name="t"`, e) + "--b--", nil},
		"with no media type":   {"multipart;;", part(`name="t"`, e) + "--b--", nil},
		"with bytes of no one": {"", "garbage", nil},
	} {
		f := New(&Config{})
		if test.kind == "" {
			test.kind = "multipart/form-data; boundary=b"
		}
		f.Multipart(test.kind, []byte(test.content))
		if diff := cmp.Diff(test.want, names(f)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		f.Release()
	}
}

func TestTheLimitsHoldForXMLAndMultipartToo(t *testing.T) {
	f := New(&Config{MaxValues: 3})
	defer f.Release()
	f.XML([]byte("<a>" + strings.Repeat("<b>"+std(attack)+"</b>", 10) + "</a>"))
	if !f.Over || len(f.Found) != 3 {
		t.Errorf("over %v, %d found", f.Over, len(f.Found))
	}
	g := New(&Config{MaxBytes: 50})
	defer g.Release()
	g.Multipart("multipart/form-data; boundary=b", []byte(strings.Repeat("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n"+std(attack)+"\r\n", 10)+"--b--"))
	if !g.Over || len(g.Found) != 50/len(attack) {
		t.Errorf("over %v, %d found", g.Over, len(g.Found))
	}
}
