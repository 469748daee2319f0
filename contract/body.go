// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// bodyForm is the declared form of a request's content.
type bodyForm struct {
	required bool
	media    []*mediaForm
}

// mediaForm is one media type of the content.
type mediaForm struct {
	at        cursor
	base      string // "type/subtype", in lower case; either may be "*"
	hasSchema bool
	schemaAt  place
	encoding  map[string]*partForm
}

// partForm is what the Encoding Object says of one form field.
type partForm struct {
	types []string // content types of a multipart part
	json  bool
}

// how tells what is done with the content of a media type.
type how uint8

const (
	asIs how = iota // its type is known and its content is not read
	asJSON
	asForm
	asMultipart
	asText
)

func readBody(c cursor) (*bodyForm, error) {
	if !c.exists() {
		return nil, nil
	}
	c, err := c.follow()
	if err != nil {
		return nil, err
	}
	b := &bodyForm{}
	if b.required, err = c.get("required").flag(false); err != nil {
		return nil, err
	}
	content := c.get("content")
	if err := content.object(); err != nil {
		return nil, err
	}
	for name, media := range content.members() {
		base, ok := mediaRange(name)
		if !ok {
			c.s.gap(media.at, effectNoMedia, media.fail("is not a media type or a range of them"))
			continue
		}
		m, err := readMedia(base, media)
		if err != nil {
			return nil, err
		}
		// Parameters of media types are not told apart, so two of a kind must
		// say the same.
		same := slices.IndexFunc(b.media, func(had *mediaForm) bool { return had.base == m.base })
		if same < 0 {
			b.media = append(b.media, m)
		} else if !reflect.DeepEqual(b.media[same].at.v, media.v) {
			return nil, media.fail("another media type differs from this one only in its parameters, and has another schema")
		}
	}
	if len(b.media) == 0 {
		return nil, c.fail("a request body needs content with at least one media type")
	}
	// The most specific type wins: exact names, then ranges, then */*.
	slices.SortFunc(b.media, func(x, y *mediaForm) int {
		return cmp.Or(cmp.Compare(strings.Count(x.base, "*"), strings.Count(y.base, "*")), cmp.Compare(x.base, y.base))
	})
	return b, nil
}

// mediaRange gives the type and subtype of a media type or range.
func mediaRange(name string) (string, bool) {
	base, _, _ := strings.Cut(name, ";")
	base = strings.ToLower(strings.TrimSpace(base))
	kind, sub, ok := strings.Cut(base, "/")
	return base, ok && isToken(kind) && isToken(sub)
}

func readMedia(base string, c cursor) (*mediaForm, error) {
	m := &mediaForm{at: c, base: base, encoding: map[string]*partForm{}}
	if err := c.object(); err != nil {
		return nil, err
	}
	members, _ := c.v.(map[string]any)
	if _, m.hasSchema = members["schema"]; m.hasSchema {
		m.schemaAt = c.get("schema").at
	}
	for field, enc := range c.get("encoding").members() {
		p := &partForm{}
		text, err := enc.get("contentType").text()
		if err != nil {
			return nil, err
		}
		for one := range strings.SplitSeq(text, ",") {
			one, _, _ = strings.Cut(one, ";")
			if one = strings.ToLower(strings.TrimSpace(one)); one != "" {
				p.types = append(p.types, one)
				p.json = p.json || isJSONType(one)
			}
		}
		m.encoding[field] = p
	}
	return m, nil
}
