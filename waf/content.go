// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"errors"
	"strings"

	"durward"
	"durward/internal/inflate"
)

// content takes the content where rules can read it. skipped says why it, or a
// part of it, was not; a decision other than Allow ends the request.
func (s *stage) content(q *seen, x *durward.Exchange) (skipped string, d durward.Decision) {
	body := &x.In.Body
	switch {
	case x.In.Upgrade != "":
		return UninspectedUpgrade, durward.Proceed()
	case body.Empty() || body.Length() == 0:
		return "", durward.Proceed()
	case !readable(x.In.Header.Get("Content-Type")):
		return UninspectedType, durward.Proceed()
	case body.Length() > s.limit && s.over == passUnchecked:
		return UninspectedSize, durward.Proceed()
	case body.Length() > s.limit && s.refuses():
		return "", tooLarge()
	}
	if s.refuses() && s.mode == durward.Enforce {
		// Content of unknown length is not taken beyond what may pass.
		if err := body.LowerLimit(s.limit); err != nil {
			return "", tooLarge()
		}
	}
	content, err := body.Bytes()
	if err != nil {
		if code := durward.BodyFault(err); code != "" {
			return "", durward.Refuse(code, err)
		}
		return "", durward.Failed(durward.CodeInternal, err)
	}
	return s.plain(q, x, content)
}

// plain undoes the coding of content and holds it against the limit.
func (s *stage) plain(q *seen, x *durward.Exchange, content []byte) (skipped string, d durward.Decision) {
	if coding := x.In.Header.Get("Content-Encoding"); x.In.Header.Count("Content-Encoding") == 1 && len(content) > 0 && isGzip(coding) {
		plain, err := inflate.Bytes(content, max(s.limit, 1))
		switch {
		case errors.Is(err, inflate.ErrTooLarge) && s.over == passUnchecked:
			q.without("Content-Encoding")
			return UninspectedSize, durward.Proceed()
		case errors.Is(err, inflate.ErrTooLarge): // a part of it cannot be told from a bomb
			return "", tooLarge()
		case err != nil:
			return "", durward.Refuse(durward.CodeBodyMalformed, err)
		}
		content = plain
		q.without("Content-Encoding") // rules judge what it stands for
	}
	if int64(len(content)) > s.limit {
		switch {
		case s.over == passUnchecked:
			return UninspectedSize, durward.Proceed()
		case s.refuses():
			return "", tooLarge()
		}
		content, skipped = content[:s.limit], UninspectedSize
	}
	q.Body, q.Inspect = content, true
	if skipped == "" { // what is cut is not well-formed
		d = s.checkXML(q, x)
		return "", d
	}
	return skipped, durward.Proceed()
}

func (s *stage) refuses() bool { return s.over == "" || s.over == refuse }

func tooLarge() durward.Decision {
	return durward.Refuse(durward.CodeBodyTooLarge, errTooLarge)
}

var errTooLarge = errors.New("content is larger than what the firewall inspects")

func isGzip(coding string) bool {
	coding = strings.ToLower(strings.Trim(coding, " \t"))
	return coding == "gzip" || coding == "x-gzip"
}

// readable tells whether rules can read content of a media type: JSON, XML,
// forms, multipart and text. Content that says no type may be any of them. All
// other content is a stream, to be passed on as it comes.
func readable(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.Trim(kind, " \t"))
	switch {
	case kind == "", strings.HasPrefix(kind, "text/") && kind != "text/event-stream":
		return true
	case strings.HasPrefix(kind, "multipart/"):
		return true
	}
	sub, ok := strings.CutPrefix(kind, "application/")
	switch {
	case !ok:
		return strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
	case strings.HasPrefix(sub, "grpc"):
		return false
	}
	return strings.HasPrefix(sub, "json") || strings.HasPrefix(sub, "xml") || strings.HasSuffix(sub, "json") || strings.HasSuffix(sub, "xml") ||
		strings.HasPrefix(sub, "x-www-form-urlencoded") || sub == "graphql" || sub == "x-yaml" || sub == "yaml" || sub == "javascript"
}
