// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"durward"
	"durward/waf/decode"
)

// decoded inspects once more what values of the request stand for, and adds
// what is found to v. skipped says that not all of it was.
func (s *stage) decoded(ctx context.Context, x *durward.Exchange, q *seen, settings Settings, p *plan, v *Verdict) (skipped string, d durward.Decision) {
	f := decode.New(&s.demand.cfg.Decode)
	defer f.Release()
	if size(&q.Request) < much {
		collect(f, q, x)
	} else if d := s.collectMuch(f, q, x); d.Verdict != durward.Allow || d.Err != nil {
		return "", d
	}
	if f.Over {
		if s.refuses() {
			return "", durward.Refuse(durward.CodeBodyTooLarge, errDecoded)
		}
		skipped = UninspectedSize
	}
	if len(f.Found) == 0 {
		return skipped, durward.Proceed()
	}
	again := requests.Get().(*seen)
	defer again.release()
	again.derive(q, f.Found)
	found, d := s.judge(ctx, x, again, settings, p)
	if d.Verdict == durward.Allow && d.Err == nil {
		v.add(&found, f.Found)
	}
	return skipped, d
}

var errDecoded = errors.New("more encoded values than the firewall decodes")

// collect shows the finder every value of the request that may be encoded.
func collect(f *decode.Finder, q *seen, x *durward.Exchange) {
	f.Segments(x.In.Path)
	f.Query(x.In.RawQuery)
	for i := range q.Header {
		h := &q.Header[i]
		switch {
		case strings.EqualFold(h.Name, "Cookie"):
			f.Cookies(h.Value)
		case len(h.Name) > 2 && h.Name[0]|0x20 == 'x' && h.Name[1] == '-', strings.EqualFold(h.Name, "User-Agent"), strings.EqualFold(h.Name, "Referer"):
			f.Text(decode.Header, h.Name, h.Value)
		}
	}
	if !q.Inspect || len(q.Body) == 0 {
		return
	}
	kind, _, _ := strings.Cut(q.Header.Get("Content-Type"), ";")
	switch kind = strings.ToLower(strings.Trim(kind, " \t")); {
	case strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "json"):
		f.JSON(q.Body)
	case kind == "application/x-www-form-urlencoded":
		f.Pairs(decode.Body, q.Body)
	case strings.HasSuffix(kind, "/xml"), strings.HasSuffix(kind, "+xml"):
		f.XML(q.Body)
	case strings.HasPrefix(kind, "multipart/"):
		f.Multipart(q.Header.Get("Content-Type"), q.Body)
	case kind == "", kind == "text/plain":
		f.Bytes(decode.Body, "body", q.Body)
	}
}

// derive makes the request whose parameters are decoded values. They keep their
// names, so that exclusions hold for them. Values of the content become a form,
// all others parameters of the query.
func (q *seen) derive(from *seen, values []decode.Value) {
	var query, form []byte
	for i := range values {
		v := &values[i]
		to := &query
		if v.In == decode.Body {
			to = &form
		}
		if len(*to) > 0 {
			*to = append(*to, '&')
		}
		*to = append(*to, url.QueryEscape(argumentOf(v))...)
		*to = append(*to, '=')
		*to = append(*to, url.QueryEscape(v.Text)...)
	}
	path, _, _ := strings.Cut(from.URI, "?")
	q.spent = from.spent
	q.Method, q.URI, q.Protocol, q.Host, q.ServerName = from.Method, path, from.Protocol, from.Host, from.ServerName
	q.ClientAddr, q.ClientPort, q.ServerAddr, q.ServerPort = from.ClientAddr, from.ClientPort, from.ServerAddr, from.ServerPort
	if _, err := netip.ParseAddrPort(q.Host); err == nil || isAddress(q.Host) {
		q.Host = "address.invalid" // the rules have said what they say of that
	}
	if len(query) > 0 {
		q.URI = path + "?" + string(query)
	}
	q.header = append(q.header, durward.Field{Name: "User-Agent", Value: "durward"}, durward.Field{Name: "Accept", Value: "*/*"})
	if len(form) > 0 {
		q.header = append(q.header, durward.Field{Name: "Content-Type", Value: "application/x-www-form-urlencoded"},
			durward.Field{Name: "Content-Length", Value: small(len(form))})
		q.Body, q.Inspect = form, true
	} else if q.Method != "GET" && q.Method != "HEAD" {
		// Else the rules would miss the length of what is not there.
		q.header = append(q.header, durward.Field{Name: "Content-Length", Value: "0"})
	}
	q.Header = q.header
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// argumentOf is the name of a decoded value among the arguments.
func argumentOf(v *decode.Value) string {
	if v.In == decode.Path {
		return "path"
	}
	return v.Name
}

// add adds what was found in decoded values, with how they were decoded.
func (v *Verdict) add(found *Verdict, values []decode.Value) {
	for _, f := range found.Findings {
		if i := slices.IndexFunc(values, func(d decode.Value) bool { return strings.EqualFold(argumentOf(&d), f.Name) }); i >= 0 {
			d := &values[i]
			f.In, f.Decoding = d.In, d.Steps
			if kind, rest, ok := strings.Cut(d.Name, "."); ok && d.In == decode.Body && (kind == "json" || kind == "xml") {
				f.Name = "/" + strings.ReplaceAll(rest, ".", "/")
			}
			if d.In == decode.Path {
				f.Name = ""
			}
		} else {
			f.Decoding = values[0].Steps
		}
		if len(v.Findings) < maxFindings {
			v.Findings = append(v.Findings, f)
		}
	}
	v.Rules = append(v.Rules, found.Rules...)
	slices.Sort(v.Rules)
	v.Rules = slices.Compact(v.Rules)
	if found.Interrupted {
		v.Interrupted, v.Status, v.Rule = true, found.Status, found.Rule
	}
	v.Score = max(v.Score, found.Score)
}
