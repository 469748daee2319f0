// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package patch

import "strings"

// place is where a patch looks.
type place struct {
	in    string // query, header, cookie, path, body; "" is nowhere
	name  string // as said, "" for the whole content
	steps []string
}

// readPlace reads Config.Parameter; ok is false for what is none.
func readPlace(text string) (p place, ok bool) {
	var named bool
	p.in, p.name, named = strings.Cut(text, ".")
	switch p.in {
	case "":
		return p, text == ""
	case "body":
		if named {
			p.steps = strings.Split(p.name, ".")
		}
		for _, s := range p.steps {
			if s == "" {
				return p, false
			}
		}
		return p, len(p.steps) <= maxSteps
	case "query", "header", "cookie", "path":
		return p, p.name != "" && len(p.name) <= maxText
	}
	return p, false
}

const maxSteps = 32

// onPath tells whether a path is what a pattern is about.
func onPath(pattern, path string) bool {
	for {
		head, rest, more := strings.Cut(pattern, "*")
		var ok bool
		if path, ok = strings.CutPrefix(path, head); !ok {
			return false
		}
		switch {
		case !more:
			return path == ""
		case rest == "":
			return true
		}
		slash := strings.IndexByte(path, '/')
		if slash < 0 {
			slash = len(path)
		}
		if slash == 0 {
			return false
		}
		path, pattern = path[slash:], rest
	}
}
