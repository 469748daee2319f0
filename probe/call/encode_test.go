// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package call

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/probe/client"
	"durward/probe/spec"
)

func field(r *client.Request, name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

func TestParametersAreSentInTheirStyles(t *testing.T) {
	list := []any{"a", "b c", json.Number("3")}
	object := map[string]any{"y": "2/", "x": json.Number("1")}
	for name, c := range map[string]struct {
		in, style string
		explode   bool
		media     string
		value     any
		want      string // target, or the header field's value
	}{
		"a text in the path":              {in: "path", style: "simple", value: "a/b?c#d é", want: "/x/a%2Fb%3Fc%23d%20%C3%A9/y"},
		"a list in the path":              {in: "path", style: "simple", value: list, want: "/x/a,b%20c,3/y"},
		"an object in the path":           {in: "path", style: "simple", value: object, want: "/x/x,1,y,2%2F/y"},
		"an object in the path, exploded": {in: "path", style: "simple", explode: true, value: object, want: "/x/x=1,y=2%2F/y"},
		"a label":                         {in: "path", style: "label", value: list, want: "/x/.a,b%20c,3/y"},
		"a label, exploded":               {in: "path", style: "label", explode: true, value: list, want: "/x/.a.b%20c.3/y"},
		"a matrix":                        {in: "path", style: "matrix", value: list, want: "/x/;p=a,b%20c,3/y"},
		"a matrix, exploded":              {in: "path", style: "matrix", explode: true, value: list, want: "/x/;p=a;p=b%20c;p=3/y"},
		"a matrix of an object":           {in: "path", style: "matrix", explode: true, value: object, want: "/x/;x=1;y=2%2F/y"},
		"two dots in the path":            {in: "path", style: "simple", value: "..", want: "/x/%2E%2E/y"},
		"raw in the path":                 {in: "path", style: "simple", value: Raw("../%00"), want: "/x/../%00/y"},
		"a form":                          {in: "query", style: "form", value: list, want: "/x//y?p=a,b%20c,3"},
		"a form, exploded":                {in: "query", style: "form", explode: true, value: list, want: "/x//y?p=a&p=b%20c&p=3"},
		"an object in the query":          {in: "query", style: "form", explode: true, value: object, want: "/x//y?x=1&y=2%2F"},
		"spaces":                          {in: "query", style: "spaceDelimited", value: list, want: "/x//y?p=a%20b%20c%203"},
		"pipes":                           {in: "query", style: "pipeDelimited", value: list, want: "/x//y?p=a%7Cb%20c%7C3"},
		"tabs":                            {in: "query", style: "tabDelimited", value: list, want: "/x//y?p=a%09b%20c%093"},
		"a deep object":                   {in: "query", style: "deepObject", explode: true, value: map[string]any{"a": object, "b": list}, want: "/x//y?p[a][x]=1&p[a][y]=2%2F&p[b]=a&p[b]=b%20c&p[b]=3"},
		"JSON in the query":               {in: "query", style: "form", explode: true, media: "application/json", value: object, want: "/x//y?p=%7B%22x%22%3A1%2C%22y%22%3A%222%2F%22%7D"},
		"nothing":                         {in: "query", style: "form", value: nil, want: "/x//y?p="},
		"a number of many digits":         {in: "query", style: "form", value: float64(1e15), want: "/x//y?p=1000000000000000"},
		"a text of signs":                 {in: "query", style: "form", value: "a&b=c+d%", want: "/x//y?p=a%26b%3Dc%2Bd%25"},
		"raw in the query":                {in: "query", style: "form", value: Raw("%zz&x"), want: "/x//y?p=%zz&x"},
		"a header field":                  {in: "header", style: "simple", value: list, want: "a,b c,3"},
		"line breaks in a header field":   {in: "header", style: "simple", value: "a\r\nSet-Cookie: b", want: "a  Set-Cookie: b"},
		"raw in a header field":           {in: "header", style: "simple", value: Raw("a\r\nb"), want: "a\r\nb"},
		"a cookie":                        {in: "cookie", style: "form", explode: true, value: "a b;c", want: "p=a%20b%3Bc"},
	} {
		t.Run(name, func(t *testing.T) {
			op := &spec.Operation{Method: "GET", Path: "/x/{p}/y", Params: []*spec.Param{{Name: "p", In: c.in, Style: c.style, Explode: c.explode, MediaType: c.media, Schema: &spec.Schema{}}}}
			call := &Call{Op: op}
			call.Set(Place{In: c.in, Name: "p"}, c.value)
			r, err := call.Encode("")
			if err != nil {
				t.Fatal(err)
			}
			got := r.Target
			switch c.in {
			case "header":
				got = field(r, "p")
			case "cookie":
				got = field(r, "Cookie")
			}
			if got != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
}

func withBody(typ string, body any) *Call {
	schema := &spec.Schema{Name: "Pet", Properties: map[string]*spec.Schema{"pic": {Types: []string{"string"}, Format: "binary"}}, Order: []string{"pic"}}
	return &Call{Op: &spec.Operation{Method: "POST", Path: "/x", Body: &spec.Body{Content: []*spec.Media{{Type: typ, Schema: schema,
		Encoding: map[string]spec.Encoding{"meta": {Type: "application/json"}, "flat": {Style: "form"}}}}}},
		Body: body, HasBody: true, MediaType: typ}
}

func TestBodiesAreSentByTheirMediaType(t *testing.T) {
	object := map[string]any{"b": "ü\"\n\x01", "a": []any{true, nil, 1.5}, "meta": map[string]any{"k": "v"}, "flat": []any{"x", "y"}, "deep": map[string]any{"k": "v"}}
	for name, c := range map[string]struct {
		typ  string
		body any
		want string
	}{
		"JSON, members by name":  {"application/json", object, `{"a":[true,null,1.5],"b":"ü\"\n\u0001","deep":{"k":"v"},"flat":["x","y"],"meta":{"k":"v"}}`},
		"another kind of JSON":   {"application/merge-patch+json", "x", `"x"`},
		"JSON that is null":      {"application/json", nil, `null`},
		"a member that is twice": {"application/json", map[string]any{"a": Twice{1, "2"}}, `{"a":1,"a":"2"}`},
		"a raw member":           {"application/json", map[string]any{"a": Raw("01")}, `{"a":01}`},
		"raw":                    {"application/json", Raw(`{"a":`), `{"a":`},
		"a form":                 {"application/x-www-form-urlencoded", object, `a=true&a=&a=1.5&b=%C3%BC%22%0A%01&deep[k]=v&flat=x,y&meta=%7B%22k%22%3A%22v%22%7D`},
		"text":                   {"text/plain", "a\nb", "a\nb"},
		"bytes":                  {"application/octet-stream", "\x00\xff", "\x00\xff"},
		"a file":                 {"image/png", File{Data: "png"}, "png"},
		"XML":                    {"application/xml", map[string]any{"n": "<1>", "l": []any{"a", "b"}, "9": Raw("&x;")}, xml.Header + `<Pet><_9>&x;</_9><l>a</l><l>b</l><n>&lt;1&gt;</n></Pet>`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := withBody(c.typ, c.body).Encode("/v1/")
			if err != nil || r.Target != "/v1/x" || field(r, "Content-Type") != c.typ {
				t.Fatalf("%v %+v", err, r)
			}
			if d := cmp.Diff(c.want, string(r.Body)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFilesAreSentInPartsOfMultipart(t *testing.T) {
	c := withBody("multipart/form-data", map[string]any{
		"pic": "bytes", "doc": File{Name: `../a"b`, Type: "text/plain", Data: "doc"}, "n": json.Number("1"),
		"meta": map[string]any{"k": "v"}, "tags": []any{"a", "b"},
	})
	r, err := c.Encode("")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := c.Clone().Encode("")
	if !bytes.Equal(r.Body, again.Body) {
		t.Error("the same call gives other bytes")
	}
	_, params, err := mime.ParseMediaType(field(r, "Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for mr := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"]); ; {
		part, err := mr.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, p, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		data, _ := io.ReadAll(part)
		got = append(got, strings.Join([]string{p["name"], p["filename"], part.Header.Get("Content-Type"), string(data)}, "|"))
	}
	want := []string{`doc|../a"b|text/plain|doc`, `meta||application/json|{"k":"v"}`, "n|||1", "pic|upload.bin|application/octet-stream|bytes", "tags|||a", "tags|||b"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestOwnFieldsComeBeforeOnesThatAreMade(t *testing.T) {
	c := withBody("application/json", 1)
	c.Method = "PATCH"
	c.Header = Values{{"content-type", "text/strange"}, {"accept", "a/b"}}
	r, err := c.Encode("")
	want := []client.Field{{Name: "content-type", Value: "text/strange"}, {Name: "accept", Value: "a/b"}}
	if d := cmp.Diff(want, r.Header); err != nil || d != "" || r.Method != "PATCH" {
		t.Error(err, d, r.Method)
	}
	if _, err := (&Call{}).Encode(""); err == nil {
		t.Error("a call without an operation is written down")
	}
}

// FuzzEncode: what others read of what is written is what was meant.
func FuzzEncode(f *testing.F) {
	f.Add("a", "b&c=d", `{"a":[1,null,{"b":"c"}]}`)
	f.Add("", "\x00ü%", `"\ud800 \u007f"`)
	f.Fuzz(func(t *testing.T, name, value, text string) {
		var body any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if dec.Decode(&body) != nil {
			body = string([]rune(value)) // JSON has no bytes that are no UTF-8
		}
		c := withBody("application/json", body)
		c.Op.Path = "/x/{p}/y"
		c.Path = Values{{"p", value}}
		c.Query = Values{{name, value}, {name, value}}
		r, err := c.Encode("/base")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.ParseRequestURI(r.Target)
		if err != nil {
			t.Fatalf("%q: %v", r.Target, err)
		}
		if u.Path != "/base/x/"+value+"/y" {
			t.Errorf("path %q for %q", u.Path, value)
		}
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil || len(q[name]) != 2 || q[name][1] != value {
			t.Errorf("query %q: %v", u.RawQuery, err)
		}
		var back any
		dec = json.NewDecoder(bytes.NewReader(r.Body))
		dec.UseNumber()
		if err := dec.Decode(&back); err != nil {
			t.Fatalf("%q: %v", r.Body, err)
		}
		want, _ := json.Marshal(body)
		got, _ := json.Marshal(back)
		if !bytes.Equal(want, got) {
			t.Errorf("%s for %s", got, want)
		}
	})
}
