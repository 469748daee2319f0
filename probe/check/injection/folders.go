// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/spec"
)

// Names of members that hold a file's name, and its content.
var (
	fileNames    = []string{"name", "filename", "file", "path", "filepath", "key", "objectname"}
	fileContents = []string{"content", "contents", "data", "text", "body"}
)

// upload is one way to name a file that a call uploads.
type upload struct {
	where string
	fill  func(c *call.Call, name, content string)
}

// folders tests whether a file's name leads from its folder into another: two
// folders are made, a file is uploaded into the second, and a name used in the
// first is to overwrite it. No file but those is touched.
func (t *target) folders(ctx context.Context) {
	within := t.op.Path[:max(strings.LastIndexByte(t.op.Path, '/'), 0)]
	if t.once || t.op.Method != http.MethodPost || !strings.HasSuffix(within, "}") {
		return
	}
	readers := t.fileReaders()
	if len(readers) == 0 {
		return
	}
	for _, u := range t.uploads() {
		f := &folder{target: t, upload: u, readers: readers, within: within}
		found := f.overwrite(ctx)
		for _, e := range slices.Backward(f.made) {
			oracle.Undo(ctx, t.env, e, t.as)
		}
		if found || t.err != nil {
			return
		}
	}
}

// fileReaders are operations that may show the content of what op uploads.
func (t *target) fileReaders() []*spec.Operation {
	var out []*spec.Operation
	for _, o := range t.env.API.Operations {
		rest, ok := strings.CutPrefix(o.Path, t.op.Path+"/{")
		if o.Method == http.MethodGet && ok && strings.Count(rest, "{") == 0 && strings.Count(rest, "/") <= 1 && len(out) < 3 {
			out = append(out, o)
		}
	}
	return out
}

// uploads are the ways to name the file of the unchanged call; none where it
// uploads none.
func (t *target) uploads() []upload {
	content := contentOf(t.base)
	if content == nil {
		return nil
	}
	var out []upload
	if m, ok := t.base.Body.(map[string]any); ok {
		for _, n := range slices.Sorted(maps.Keys(m)) {
			if _, file := m[n].(call.File); file {
				out = append(out, upload{"body#" + call.Member("", n), content})
				break
			}
		}
	}
	for _, at := range t.base.Places() {
		v, set := t.base.Get(at)
		_, text := v.(string)
		if at.In == "path" || at.In == "cookie" || set && !text || !slices.Contains(fileNames, oracle.Plain(at.Name[strings.LastIndexByte(at.Name, '/')+1:])) || len(out) == 3 {
			continue
		}
		out = append(out, upload{at.String(), func(c *call.Call, name, text string) {
			content(c, path.Base(name), text)
			c.Set(at, name)
		}})
	}
	return out
}

// contentOf tells how the file of a call is named and filled; nil where there is
// none.
func contentOf(c *call.Call) func(c *call.Call, name, content string) {
	switch body := c.Body.(type) {
	case map[string]any:
		for _, n := range slices.Sorted(maps.Keys(body)) {
			at := call.Place{In: "body", Name: call.Member("", n)}
			switch v := body[n].(type) {
			case call.File:
				return func(c *call.Call, name, content string) {
					c.Set(at, call.File{Name: name, Type: v.Type, Data: v.Data + content})
				}
			case string:
				if slices.Contains(fileContents, oracle.Plain(n)) {
					return func(c *call.Call, _, content string) { c.Set(at, content) }
				}
			}
		}
	case call.File:
		return func(c *call.Call, name, content string) {
			c.Body = call.File{Name: name, Type: body.Type, Data: body.Data + content}
		}
	case string:
		if c.HasBody && !strings.Contains(c.MediaType, "json") {
			return func(c *call.Call, _, content string) { c.Body = body + content }
		}
	}
	return nil
}

// folder is the test of one way to name a file.
type folder struct {
	*target
	upload
	readers []*spec.Operation
	within  string // the path of the folder
	made    []*check.Exchange
}

// spellings lead from one folder to a file of another beside it, also where each
// folder has one more within, named by what it holds.
func spellings(folder, name, kind string) []string {
	plain := "../" + folder + "/" + name
	return []string{
		plain, "../../" + folder + "/" + kind + "/" + name, strings.ReplaceAll(plain, "/", "%2f"), strings.ReplaceAll(plain, "/", `\`),
		"....//" + folder + "/" + name, strings.ReplaceAll(plain, "../", "%2e%2e/"),
	}
}

func (f *folder) overwrite(ctx context.Context) bool {
	home, beside := f.make(ctx), f.make(ctx)
	if home == "" || beside == "" || home == beside {
		return false
	}
	name := f.word() + f.word() + ".txt"
	first, plain := f.word()+f.word(), f.word()+f.word()
	e := f.put(ctx, beside, name, first)
	if e == nil {
		return false
	}
	id := idOf(e, oracle.Parameters(f.readers[0].Path))
	reader, before := f.shows(ctx, beside, id, first)
	if reader == nil {
		return false
	}
	// Control: the plain name makes a file in the first folder, and nothing else.
	control := f.put(ctx, home, name, plain)
	if control == nil || !f.reads(ctx, reader, beside, id, first, plain) {
		return false
	}
	kind := f.op.Path[strings.LastIndexByte(f.op.Path, '/')+1:]
	for _, s := range spellings(beside, name, kind) {
		mark := f.word() + f.word()
		e := f.put(ctx, home, s, mark)
		if e == nil {
			if f.err != nil {
				return false
			}
			continue
		}
		if !f.reads(ctx, reader, beside, id, mark, first) {
			continue
		}
		// Read again: it is kept, and no answer of that one moment.
		if _, after := f.shows(ctx, beside, id, mark); after != nil {
			f.target.report(pathTraversal, finding.Certain, f.where,
				"A file's name leads out of its folder: it overwrote a file of another folder, which is read back.",
				f.env.Step("a file of another folder", before), f.env.Step("control: its name, used in the folder, leaves it as it is", control),
				f.env.Step("a name that leads to it", e), f.env.Step("it has the new content", after))
			return true
		}
	}
	return false
}

// make makes a folder; empty where that cannot be done.
func (f *folder) make(ctx context.Context) string {
	id, err := oracle.Make(ctx, f.env, &call.Call{Op: &spec.Operation{Path: f.within}, Path: f.base.Path}, f.as)
	if check.Fatal(ctx, err) {
		f.err = err
	}
	if err != nil || id == nil {
		return ""
	}
	return fmt.Sprint(id)
}

// put uploads a file into a folder; nil where it is not taken.
func (f *folder) put(ctx context.Context, into, name, content string) *check.Exchange {
	c := f.base.Clone()
	names := oracle.Parameters(f.op.Path)
	c.Set(call.Place{In: "path", Name: names[len(names)-1]}, into)
	f.fill(c, name, content)
	e := f.try(ctx, c)
	if e != nil {
		f.made = append(f.made, e)
	}
	return e
}

// try sends a call that need not be remembered; nil where the answer is no yes.
func (f *folder) try(ctx context.Context, c *call.Call) *check.Exchange {
	if f.err != nil {
		return nil
	}
	e, err := oracle.Try(ctx, f.env, c, f.as)
	if check.Fatal(ctx, err) {
		f.err = err
	}
	if err != nil || !oracle.Accepted(e.Answer) {
		return nil
	}
	return e
}

// idOf is the identifier that an upload's answer gives, by the last of names.
func idOf(e *check.Exchange, names []string) any {
	for _, m := range oracle.Items(e.Answer.Body) {
		if id := oracle.ID(m, names[len(names)-1]); id != nil {
			return id
		}
	}
	return nil
}

// shows finds the operation that shows a file with a content.
func (f *folder) shows(ctx context.Context, in string, id any, content string) (*spec.Operation, *check.Exchange) {
	if id == nil {
		return nil, nil
	}
	for _, r := range f.readers {
		if e := f.read(ctx, r, in, id); e != nil && strings.Contains(string(e.Answer.Body), content) {
			return r, e
		}
	}
	return nil, nil
}

// reads tells that a file has one content and lacks another.
func (f *folder) reads(ctx context.Context, r *spec.Operation, in string, id any, has, lacks string) bool {
	e := f.read(ctx, r, in, id)
	return e != nil && strings.Contains(string(e.Answer.Body), has) && !strings.Contains(string(e.Answer.Body), lacks)
}

func (f *folder) read(ctx context.Context, r *spec.Operation, in string, id any) *check.Exchange {
	names := oracle.Parameters(r.Path)
	c := &call.Call{Op: r, Path: f.base.Clone().Path}
	c.Set(call.Place{In: "path", Name: names[len(names)-2]}, in)
	c.Set(call.Place{In: "path", Name: names[len(names)-1]}, id)
	return f.try(ctx, c)
}
