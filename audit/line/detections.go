// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package line

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Detections names what was found in a request or its answer: stages that
// refused, would have refused or made a remark, as "stage" and "stage/code";
// detectors of leaks; rules of the firewall, by number and class. There are no
// two alike.
func (r *Record) Detections() []string {
	var all []string
	stage := func(name, code string) {
		if name == "" {
			return
		}
		all = append(all, name)
		if code != "" {
			all = append(all, name+"/"+code)
		}
	}
	stage(string(r.Stage), string(r.Code))
	for _, s := range decode[[]struct{ Stage, Code string }](r.Steps) {
		stage(s.Stage, s.Code)
	}
	for _, f := range decode[[]struct {
		Rule  int
		Class string
	}](r.Findings) {
		all = append(all, strconv.Itoa(f.Rule))
		if f.Class != "" {
			all = append(all, f.Class)
		}
	}
	answer := decode[struct {
		Stripped, Invalid int
		Leaks             []struct{ Detector string }
	}](r.Answer)
	for _, l := range answer.Leaks {
		all = append(all, l.Detector)
	}
	if answer.Stripped > 0 {
		all = append(all, "stripped")
	}
	if answer.Invalid > 0 {
		all = append(all, "invalid")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// decode reads what a record has of something; the zero value when it has none
// of it, or something else in its place.
func decode[T any](raw []byte) (v T) {
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &v)
	}
	return v
}

// Objects names what a request was about: its path, each segment of it, and
// the path parameters where the record has them, as "value" and "name=value".
func (r *Record) Objects() []string {
	var all []string
	if len(r.Path) > 0 {
		all = append(all, string(r.Path))
		for s := range strings.SplitSeq(string(r.Path), "/") {
			if s != "" && s != string(r.Path) && len(all) < maxObjects {
				all = append(all, s)
			}
		}
	}
	Each(r.Object, func(key, value []byte) {
		if text, ok := Text(value); ok && len(text) > 0 {
			all = append(all, string(text), string(key)+"="+string(text))
		}
	})
	return all
}

// maxObjects bounds the names that one path can have.
const maxObjects = 32
