// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads a document from a file, and the files beside and below it that it
// refers to. Parts that cannot be understood are left out with a warning; it
// fails where the file cannot be read, is neither JSON nor YAML, or is no
// OpenAPI document at all.
func Load(name string) (*API, error) {
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	l := newLoader()
	l.root = root
	f, err := l.open(filepath.Base(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l.api(f)
}

// Parse reads a document that has no other files. The name is for warnings.
func Parse(name string, data []byte) (*API, error) {
	l := newLoader()
	f := &file{name: name}
	l.files[name] = f
	if err := l.take(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l.api(f)
}

func newLoader() *loader {
	return &loader{files: map[string]*file{}, schemas: map[*node]*Schema{}, warned: map[string]bool{}}
}

func (l *loader) api(f *file) (*API, error) {
	top := place{file: f, node: f.top}
	version := f.top.get("openapi").str()
	swagger := f.top.get("swagger").str()
	api := &API{Schemes: map[string]*Scheme{}}
	switch {
	case f.top.kind != mapNode, version == "" && swagger == "" && f.top.get("paths") == nil:
		return nil, fmt.Errorf("%s: %w", f.name, errors.New("is no OpenAPI document"))
	case swagger != "" && version == "":
		api.Dialect, l.old = "2.0", true
		if !strings.HasPrefix(swagger, "2") {
			l.warn(top, "version %q is read as 2.0", swagger)
		}
	case strings.HasPrefix(version, "3.0"):
		api.Dialect, l.three = "3.0", true
	default:
		api.Dialect = "3.1"
		if !strings.HasPrefix(version, "3.") {
			l.warn(top, "version %q is read as 3.1", version)
		}
	}
	info := top.get("info")
	api.Title, api.Version = info.node.get("title").str(), info.node.get("version").str()
	if l.old {
		api.Servers = oldServers(top)
	} else {
		api.Servers = l.servers(top.get("servers"))
	}
	l.schemes(api, top)
	l.operations(api, top)
	api.Warnings = l.warnings
	return api, nil
}

// servers fills in variables by their defaults.
func (l *loader) servers(p place) []string {
	var all []string
	for _, s := range p.list() {
		url := s.node.get("url").str()
		if url == "" {
			l.warn(s, "a server without a url")
			continue
		}
		vars := s.get("variables")
		for _, name := range vars.members() {
			v := vars.get(name).node
			value := v.get("default").str()
			if enum := v.get("enum").strings(); value == "" && len(enum) > 0 {
				value = enum[0]
			}
			url = strings.ReplaceAll(url, "{"+name+"}", value)
		}
		if strings.Contains(url, "{") {
			l.warn(s, "a variable of %q has no default", url)
			continue
		}
		all = append(all, url)
	}
	return all
}

// oldServers are those of Swagger 2.0: schemes, host and basePath.
func oldServers(top place) []string {
	base := "/" + strings.Trim(top.node.get("basePath").str(), "/")
	host := top.node.get("host").str()
	if host == "" || strings.ContainsAny(host, "{}/ ") {
		return []string{base}
	}
	schemes := top.node.get("schemes").strings()
	if len(schemes) == 0 {
		schemes = []string{"https"}
	}
	var all []string
	for _, s := range schemes {
		all = append(all, s+"://"+host+strings.TrimSuffix(base, "/"))
	}
	return all
}

// schemes reads the ways to authenticate.
func (l *loader) schemes(api *API, top place) {
	all := top.get("components").get("securitySchemes")
	if l.old {
		all = top.get("securityDefinitions")
	}
	for _, name := range all.members() {
		p, _, ok := l.deref(all.get(name))
		if !ok {
			continue
		}
		n := p.node
		s := &Scheme{Name: name, Type: n.get("type").str()}
		switch s.Type {
		case "basic":
			s.Type, s.HTTPScheme = "http", "basic"
		case "apiKey":
			s.In, s.Param = n.get("in").str(), n.get("name").str()
		case "http":
			s.HTTPScheme = strings.ToLower(n.get("scheme").str())
			s.BearerFormat = n.get("bearerFormat").str()
		case "oauth2":
			l.flows(s, p)
		case "openIdConnect", "mutualTLS":
		default:
			l.warn(p, "security scheme of an unknown type %q", s.Type)
		}
		api.Schemes[name] = s
	}
}

func (l *loader) flows(s *Scheme, p place) {
	flows := []place{p}
	if !l.old {
		flows = nil
		// Those that a test can run by itself come first.
		for _, name := range []string{"clientCredentials", "password", "authorizationCode", "implicit"} {
			if flow := p.get("flows").get(name); flow.node != nil {
				flows = append(flows, flow)
			}
		}
	}
	for _, flow := range flows {
		if s.TokenURL == "" {
			s.TokenURL = flow.node.get("tokenUrl").str()
		}
		for _, scope := range flow.get("scopes").members() {
			if !slices.Contains(s.Scopes, scope) {
				s.Scopes = append(s.Scopes, scope)
			}
		}
	}
}

// security reads requirements; nil where the document says nothing. An empty
// list, which takes requirements away, is one empty alternative.
func (l *loader) security(api *API, p place) [][]Requirement {
	if p.node == nil || p.node.kind != listNode {
		return nil
	}
	all := [][]Requirement{}
	for _, alternative := range p.list() {
		needed := []Requirement{}
		if alternative.node.kind == mapNode {
			for _, name := range alternative.node.keys {
				if api.Schemes[name] == nil {
					l.warn(alternative, "security scheme %q is not declared", name)
				}
				needed = append(needed, Requirement{name, alternative.node.get(name).strings()})
			}
		}
		all = append(all, needed)
	}
	if len(all) == 0 {
		all = append(all, []Requirement{})
	}
	return all
}
