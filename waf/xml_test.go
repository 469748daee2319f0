// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"testing"

	"durward"
	"durward/internal/units"
	"durward/waf/slowpath"
)

var xmlDocuments = map[string]struct {
	text string
	want error
}{
	"an element":                           {`<a/>`, nil},
	"a document":                           {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x --><a b=\"c\">d &lt; &#101;<e><![CDATA[<f>]]></e></a>\n", nil},
	"name spaces":                          {`<s:a xmlns:s="urn:x" s:b="c"><s:d/></s:a>`, nil},
	"a plain document type":                {`<!DOCTYPE note><note>x</note>`, nil},
	"broken off in an element":             {`<a><b>1' OR 1=1--`, errXML},
	"broken off in a tag":                  {`<a><b c="`, errXML},
	"an end that is none":                  {`<a></b></a>`, errXML},
	"left open":                            {`<a><br></a>`, errXML},
	"an attribute without quotes":          {`<a b=c/>`, errXML},
	"an entity of HTML":                    {`<a>&nbsp;</a>`, errXML},
	"an entity of nobody":                  {`<a>&x;</a>`, errXML},
	"text around it":                       {`x<a/>`, errXML},
	"text behind it":                       {`<a/>1' OR 1=1--`, errXML},
	"two documents":                        {`<a/><b/>`, errXML},
	"nothing but a declaration":            {`<?xml version="1.0"?>`, errXML},
	"white space":                          {"  ", errXML},
	"no UTF-8":                             {"<a>\xff</a>", errXML},
	"a control byte":                       {"<a>\x01</a>", errXML},
	"entities of its own":                  {`<!DOCTYPE a [<!ENTITY x "1' OR 1=1--">]><a>&x;</a>`, errDoctype},
	"an entity of elsewhere":               {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a/>`, errDoctype},
	"a document type of elsewhere":         {`<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><a/>`, errDoctype},
	"a document type in an odd case":       {`<!doctype a><a/>`, errDoctype},
	"a subset without a space":             {`<!DOCTYPE a[]><a/>`, errDoctype},
	"a document type with a public name":   {`<!DOCTYPE a PUBLIC "x" "y"><a/>`, errDoctype},
	"some other declaration":               {`<!ELEMENT a ANY><a/>`, errDoctype},
	"JSON":                                 {`{"a":1}`, errXML},
	"an encoding that Coraza has to judge": {`<?xml version="1.0" encoding="ISO-8859-1"?><a>x</a>`, nil},
}

func TestXMLThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	for name, test := range xmlDocuments {
		if _, got := oneReading([]byte(test.text)); !errors.Is(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// texts are what a reader of XML shows to rules.
func texts(d *xml.Decoder) (out []string) {
	for {
		token, err := d.Token()
		if token == nil || err != nil {
			return out
		}
		switch token := token.(type) {
		case xml.StartElement:
			for _, a := range token.Attr {
				out = append(out, a.Value)
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(token)); s != "" {
				out = append(out, s)
			}
		}
	}
}

// What is let through has the texts that a strict reader finds in it also for one
// that is set up as Coraza's, so that nothing is hidden from the rules.
func FuzzXMLHasOneReading(f *testing.F) {
	for _, d := range xmlDocuments {
		f.Add(d.text)
	}
	f.Add(`<a><br>x</br><p b="c"/></a>`)
	f.Add(`<rss xmlns:h="u"><link>x</link><h:META  a="b">y<col/></h:META ><link/><img></img><p b="c"/></rss>`)
	f.Fuzz(func(t *testing.T, text string) {
		shown, err := oneReading([]byte(text))
		if err != nil || strings.Contains(text, "encoding") {
			return
		}
		lenient := xml.NewDecoder(bytes.NewReader(shown))
		lenient.Strict, lenient.AutoClose, lenient.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		strict, seen := texts(xml.NewDecoder(strings.NewReader(text))), texts(lenient)
		if !slices.Equal(strict, seen) {
			t.Errorf("%q: rules see %q, strict readers %q", text, seen, strict)
		}
	})
}

func TestXMLIsInspectedWholeOrRefused(t *testing.T) {
	engines := unbounded()
	_, stage, _ := stages(t, engines, Config{})
	_, cut, _ := stages(t, engines, Config{BodyLimit: 40, OnBodyLimit: partial})
	for name, test := range map[string]struct {
		stage   durward.Stage
		kind    string
		content string
		code    durward.Code
	}{
		"a document":                        {stage, "application/xml", `<a b="c">d</a>`, ""},
		"an attack in it":                   {stage, "application/xml", `<a>1' OR 1=1--</a>`, durward.CodeWAFBlocked},
		"an attack in base64 in it":         {stage, "text/xml", `<a><b>MScgT1IgMT0x<!-- -->IC0tIA==</b></a>`, durward.CodeWAFBlocked},
		"an attribute in base64":            {stage, "application/xml", `<a b="MScgT1IgMT0xIC0tIA=="/>`, durward.CodeWAFBlocked},
		"one of a kind of its own":          {stage, "application/atom+xml; charset=utf-8", `<a b="MScgT1IgMT0xIC0tIA=="/>`, durward.CodeWAFBlocked},
		"a document that breaks off":        {stage, "application/xml", `<a>d`, durward.CodeBodyMalformed},
		"one that breaks off, of that kind": {stage, "application/atom+xml", `<a>d`, durward.CodeBodyMalformed},
		"one that we cut":                   {cut, "application/xml", `<a>` + strings.Repeat("plain ", 20) + `</a>`, ""},
		"an attack behind an empty element": {stage, "application/xml", `<a><link>x</link><b>1' OR 1=1--</b></a>`, durward.CodeWAFBlocked},
		"a feed":                            {stage, "application/xml", `<rss><link>https://example.com/</link><title>news</title></rss>`, ""},
		"JSON that is no XML":               {stage, "application/json", `{"a":"<b>"}`, ""},
	} {
		d := test.stage.Request(context.Background(), exchange(test.kind, test.content, true))
		if d.Code != test.code {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestLargeXMLIsPaidForBeforeItIsRead(t *testing.T) {
	_, stage := bounded(t, slowpath.Config{CPUPerClient: units.Duration(1e6), Burst: units.Duration(1e6), MaxRun: units.Duration(60e9)}, Config{})
	large := `<a>` + strings.Repeat("plain words ", much/12) + `</a>`
	if d := stage.Request(context.Background(), exchange("application/xml", large, true)); d.Verdict != durward.Allow {
		t.Errorf("the first: %+v", d)
	}
	if d := stage.Request(context.Background(), exchange("application/xml", large, true)); d.Code != durward.CodeWAFBusy {
		t.Errorf("the second: %+v", d)
	}
}
