// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"durward"
)

const (
	maxFields  = 8       // body-field caveats in a token
	maxCounts  = 4       // use counts in a token: each takes room in a store
	maxContent = 1 << 20 // bytes of content that are judged
)

var (
	errSpent       = errors.New("capability: used as often as it may be")
	errContent     = errors.New("capability: not for this content")
	errContentType = errors.New("capability: content is not JSON in UTF-8, as its caveats need")
)

// errContentSize is a 413: the same request with less content would do.
var errContentSize = fmt.Errorf("capability: content is longer than the 1 MiB in which caveats can be judged: %w", durward.ErrBodyTooLarge)

// restrictions are the caveats that need the content, and the use counts. It
// serves one request.
type restrictions struct {
	fields []byte // TypeBody caveats, one behind the other
	uses   []counter
	space  string
	env    *Env
}

// late gives what is left to judge, nil for nothing.
func (m *Method) late(j *judge, v *view, consumer string) durward.Restrictions {
	if j.fields == 0 && j.uses == 0 {
		return nil
	}
	r := &restrictions{env: &m.env, uses: slices.Clone(j.w.uses[:j.uses])}
	if j.uses > 0 {
		// A holder can make as many counts as there is room for: the room of
		// the other consumers is not it.
		r.space = Space + "/" + consumer
	}
	if j.fields > 0 {
		for rest := v.caveats; len(rest) > 0; {
			var t Type
			var whole []byte
			t, whole, _, rest, _ = nextCaveat(rest)
			if t == TypeBody {
				r.fields = append(r.fields, whole...)
			}
		}
	}
	return r
}

// Check reads the content where a caveat needs it, and then counts a use. An
// error of the content itself (too large, cut) is given as it is. A request
// that is refused later all the same has spent its use.
func (r *restrictions) Check(ctx context.Context, x *durward.Exchange) error {
	if len(r.fields) > 0 {
		if err := r.content(x); err != nil {
			return err
		}
	}
	// The last count is that of the fewest tokens. It is asked first, so that
	// a holder with no uses left cannot spend those of the others.
	for i := len(r.uses) - 1; i >= 0; i-- {
		u := &r.uses[i]
		ok, err := r.env.Uses.Use(ctx, r.space, u.id, int(u.limit), time.Unix(u.until, 0))
		switch {
		case err != nil:
			return unavailable(err)
		case !ok:
			return errSpent
		}
	}
	return nil
}

func (r *restrictions) content(x *durward.Exchange) error {
	if !isJSON(x.In.Header) {
		return errContentType
	}
	// Whatever more the operation takes, it is not buffered for this.
	if x.In.Body.LowerLimit(maxContent) != nil {
		return errContentSize
	}
	doc, err := x.In.Body.Bytes()
	switch {
	case errors.Is(err, durward.ErrBodyTooLarge):
		return errContentSize
	case err != nil:
		return err
	case !validJSON(doc):
		return errContent
	}
	for rest := r.fields; len(rest) > 0; {
		var body []byte
		_, _, body, rest, _ = nextCaveat(rest)
		pointer, body, _ := nextItem(body)
		kind, body, _ := nextItem(body)
		value, _, _ := nextItem(body)
		got, ok := scalarAt(doc, string(pointer))
		if !ok || !scalarIs(got, string(kind), value) {
			return errContent
		}
	}
	return nil
}

// isJSON tells whether the content says that it is plain JSON (RFC 8259). Of
// what is called otherwise the upstream may make something else than is judged
// here.
func isJSON(h durward.Header) bool {
	if h.Count("Content-Type") != 1 || h.Has("Content-Encoding") {
		return false
	}
	kind, parameters, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind != "application/json" && !(strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
		return false
	}
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "charset") && !strings.EqualFold(strings.Trim(value, `"`), "utf-8") {
			return false
		}
	}
	return true
}

// scalarIs compares a JSON scalar, as it stands in the content, with a caveat's.
func scalarIs(got []byte, kind string, want []byte) bool {
	if kind != "string" {
		if kind == "null" {
			want = []byte("null")
		}
		return bytes.Equal(got, want)
	}
	if got[0] != '"' {
		return false
	}
	s, ok := unquote(got)
	return ok && s == string(want)
}
