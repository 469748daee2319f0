// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"durward"
)

// MaxPolicies is the largest file of policies, in bytes.
const MaxPolicies = 4 << 20

// policy is one policy as it was written.
type policy struct {
	tree  *ast.Policy
	field string // of the configuration
	name  string // its @id, or ""
	label string // what the record calls it
	mode  durward.Mode
}

// source is one text of policies.
type source struct {
	field, file string // file is as errors and labels call it
	text        string
}

// readSources reads the files of policies.
func readSources(list []Source) ([]source, error) {
	var out []source
	var errs []error
	for i, s := range list {
		field := fmt.Sprintf("policies[%d]", i)
		if s.File == "" {
			out = append(out, source{field + ".cedar", field, s.Cedar})
			continue
		}
		text, err := readPolicies(s.File)
		if err != nil {
			errs = append(errs, durward.Invalid(field+".file", "cannot be read: %v", err))
		}
		// Two parts of the path say which file it is, and nothing of the machine.
		short := filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(s.File)), filepath.Base(s.File)))
		out = append(out, source{field + ".file", strings.TrimPrefix(short, "/"), text})
	}
	return out, errors.Join(errs...)
}

func readPolicies(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxPolicies+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > MaxPolicies:
		return "", fmt.Errorf("larger than %d bytes", MaxPolicies)
	case !utf8.Valid(data):
		return "", errors.New("not UTF-8")
	}
	return string(data), nil
}

// parse reads the policies of a text. Annotations that nobody knows are
// refused: a mistyped @mode must not change what is enforced.
func (s *source) parse() ([]policy, error) {
	list, err := cedar.NewPolicyListFromBytes(s.file, []byte(s.text))
	if err != nil {
		return nil, durward.Invalid(s.field, "%s", parseFault(s.file, err))
	}
	var out []policy
	var errs []error
	for _, p := range list {
		tree := (*ast.Policy)(p.AST())
		at := fmt.Sprintf("%s:%d", s.file, tree.Position.Line)
		one := policy{tree: tree, field: s.field, label: at}
		for _, a := range tree.Annotations {
			value := string(a.Value)
			switch a.Key {
			case "id":
				if value == "" || len(value) > 100 {
					errs = append(errs, s.fault(tree, []string{"id"}, "@id must be 1 to 100 characters"))
				}
				one.name, one.label = value, value+" ("+at+")"
			case "mode":
				if err := one.mode.UnmarshalText([]byte(value)); err != nil {
					errs = append(errs, s.fault(tree, []string{value, "mode"}, "@mode must be enforce, report or off"))
				}
			case "description":
			default:
				errs = append(errs, s.fault(tree, []string{string(a.Key)}, fmt.Sprintf("the annotation @%s is none of @id, @mode and @description", a.Key)))
			}
		}
		out = append(out, one)
	}
	return out, errors.Join(errs...)
}

// parseFault puts file, line and column, which cedar-go gives, first.
func parseFault(file string, err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	for _, name := range []string{file, "<input>"} {
		if _, rest, ok := strings.Cut(text, name+":"); ok {
			return file + ":" + rest
		}
	}
	return file + ": " + text
}

// validate holds a policy against the schema of the contract.
func (s *source) validate(v *validate.Validator, p *policy, public func(string) bool) error {
	err := v.Policy("", p.tree)
	if err == nil {
		return nil
	}
	var errs []error
	var said []string
	for _, one := range durward.Flatten(err) {
		text := one.Error()
		words := quoted(text)
		// That no action fits follows from one that is not known.
		if slices.Contains(said, text) || len(said) > 0 && strings.HasPrefix(text, "unable to find an applicable action") {
			continue
		}
		said = append(said, text)
		if len(words) > 0 && public(words[0]) {
			text += ": the operation is public, so no policy is asked"
		}
		errs = append(errs, s.fault(p.tree, words, text))
	}
	return errors.Join(errs...)
}

// quoted gives what stands between backticks, and the last part of a path.
func quoted(text string) []string {
	var out []string
	for i, part := range strings.Split(text, "`") {
		if i%2 == 0 || part == "" {
			continue
		}
		if at := strings.LastIndexByte(part, '.'); at >= 0 && !strings.Contains(part, `"`) {
			out = append(out, part[at+1:])
		}
		out = append(out, part)
	}
	return out
}

// fault says what is wrong with a policy, and where: at the first of the words
// that the policy has, else where it begins.
func (s *source) fault(p *ast.Policy, words []string, text string) error {
	offset := s.find(p, words)
	line := 1 + strings.Count(s.text[:offset], "\n")
	start := strings.LastIndexByte(s.text[:offset], '\n') + 1
	end := len(s.text)
	if i := strings.IndexByte(s.text[start:], '\n'); i >= 0 {
		end = start + i
	}
	shown := strings.TrimSpace(s.text[start:end])
	if len(shown) > 120 {
		shown = strings.ToValidUTF8(shown[:120], "") + "..."
	}
	return durward.Invalid(s.field, "%s:%d:%d: %s, in: %s", s.file, line, 1+utf8.RuneCountInString(s.text[start:offset]), text, shown)
}

func (s *source) find(p *ast.Policy, words []string) int {
	from := min(p.Position.Offset, len(s.text))
	code := withoutComments(s.text)
	end := len(code)
	if i := endOfPolicy(code[from:]); i >= 0 {
		end = from + i
	}
	for _, w := range words {
		for at := from; at < end; {
			i := strings.Index(code[at:end], w)
			if i < 0 {
				break
			}
			at += i
			if !wordByte(code, at-1) && !wordByte(code, at+len(w)) || !wordByte(w, 0) {
				return at
			}
			at++
		}
	}
	return from
}

func wordByte(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return false
	}
	c := s[i]
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// withoutComments blanks comments out, so that offsets stay.
func withoutComments(s string) string {
	b := []byte(s)
	inText, inComment := false, false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\n':
			inComment = false
		case inComment:
			b[i] = ' '
		case inText && b[i] == '\\':
			i++
		case b[i] == '"':
			inText = !inText
		case !inText && b[i] == '/' && i+1 < len(b) && b[i+1] == '/':
			inComment = true
			b[i] = ' '
		}
	}
	return string(b)
}

// endOfPolicy finds the semicolon that ends the first policy; -1 for none.
func endOfPolicy(code string) int {
	inText := false
	for i := 0; i < len(code); i++ {
		switch {
		case inText && code[i] == '\\':
			i++
		case code[i] == '"':
			inText = !inText
		case !inText && code[i] == ';':
			return i
		}
	}
	return -1
}
