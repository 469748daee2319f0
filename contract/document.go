// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"durward"
)

// Document is an OpenAPI document that was read and understood in full. It is
// immutable to its users and safe for concurrent use.
type Document struct {
	src     *sources
	old     bool // 3.0
	title   string
	version string
	servers []string
	sum     string
	schemes []SecurityScheme
	ops     []*operation
	shut    map[string]Operation // closed operations

	mu     sync.Mutex
	rules  map[variant]map[string]*rules // by operation
	prover *prover                       // made when somebody asks
	// What its answers may hold, made when somebody asks.
	outlines  *outliner
	answersOf map[string][]declaredAnswer // by operation
}

// Load reads an OpenAPI document in YAML or JSON, and the files beside or below
// it that it refers to. Everything that a request will need is compiled here,
// so that a fault is an error now: a *LoadError with file, line and JSON
// pointer where the place is known. Parts that cannot be applied are errors as
// well, but for the gaps that accepted names (see Gap).
func Load(path string, accepted ...string) (*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	defer folder.Close()
	return parse(path, data, folder, accepted)
}

// Parse is Load for a document that stands alone; name is for messages.
func Parse(name string, data []byte, accepted ...string) (*Document, error) {
	return parse(name, data, nil, accepted)
}

func parse(name string, data []byte, folder *os.Root, accepted []string) (*Document, error) {
	src := &sources{folder: folder, byRel: map[string]int{}, refs: map[string]place{}}
	if _, err := src.add(name, filepath.Base(name), data); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	d := &Document{src: src, sum: hex.EncodeToString(sum[:]), rules: map[variant]map[string]*rules{}}
	if err := d.read(cursor{src, place{}, src.files[0].root}); err != nil {
		return nil, err
	}
	if _, err := d.compile(variant{}); err != nil {
		return nil, err
	}
	if err := src.accept(accepted); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Document) read(root cursor) error {
	if _, ok := root.v.(map[string]any); !ok {
		return root.fail("is not an OpenAPI document")
	}
	version, _ := root.get("openapi").text()
	switch {
	case root.get("swagger").exists():
		return root.get("swagger").fail("Swagger 2.0 is not supported; convert the document to OpenAPI 3")
	case strings.HasPrefix(version, "3.0."):
		d.old = true
	case !strings.HasPrefix(version, "3.1."):
		return root.get("openapi").fail("openapi must be 3.0.x or 3.1.x")
	}
	dialect, err := root.get("jsonSchemaDialect").text()
	if err != nil {
		return err
	}
	if dialect != "" && !slices.Contains(knownDialects, dialect) {
		return root.get("jsonSchemaDialect").fail("the dialect is not supported; only JSON Schema 2020-12 is")
	}
	info := root.get("info")
	if d.title, err = info.get("title").text(); err != nil {
		return err
	}
	if d.version, err = info.get("version").text(); err != nil {
		return err
	}
	for _, server := range root.get("servers").items() {
		if u, err := server.get("url").text(); err == nil { // only a hint, for init
			d.servers = append(d.servers, u)
		}
	}
	if err := d.readSchemes(root.get("components").get("securitySchemes")); err != nil {
		return err
	}
	return d.readPaths(root)
}

// Title is the API's name, for people.
func (d *Document) Title() string { return d.title }

// Version is the API's version, as its authors count.
func (d *Document) Version() string { return d.version }

// SHA256 identifies the document's first file, in hexadecimal.
func (d *Document) SHA256() string { return d.sum }

// Servers are the URLs of the document's server list, as written.
func (d *Document) Servers() []string { return slices.Clone(d.servers) }

// SecuritySchemes lists the declared ways to authenticate, sorted by name.
func (d *Document) SecuritySchemes() []SecurityScheme { return slices.Clone(d.schemes) }

// Files names every file that was read, the document first, so that a watcher
// can follow them.
func (d *Document) Files() []string {
	out := make([]string, len(d.src.files))
	for i, f := range d.src.files {
		out[i] = f.name
	}
	return out
}

// Operations lists the operations, sorted by template and method.
func (d *Document) Operations() []Operation {
	out := make([]Operation, len(d.ops))
	for i, op := range d.ops {
		out[i] = op.Operation
	}
	return out
}

var errUnknownOperation = errors.New("contract: the document has no such operation")

// Stage makes the stage that checks the requests of one operation, named by
// its ID. Its name is "contract". It fails when cfg does, when the document has
// no such operation, or when the schemas cannot be compiled in the form that
// cfg asks for.
func (d *Document) Stage(op string, cfg *Config) (durward.Stage, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	all, err := d.compile(cfg.variant())
	if err != nil {
		return nil, err
	}
	r, ok := all[op]
	if !ok {
		return nil, errUnknownOperation
	}
	return newStage(r, cfg), nil
}

// compile makes the rules of all operations in a variant, once.
func (d *Document) compile(v variant) (map[string]*rules, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if all, ok := d.rules[v]; ok {
		return all, nil
	}
	sc := newSchemas(d.src, d.old, v)
	for _, op := range d.ops {
		for _, at := range op.schemaPlaces() {
			sc.prepare(at, position{child: true})
		}
	}
	all := make(map[string]*rules, len(d.ops))
	kept := d.ops[:0]
	for _, op := range d.ops {
		r, err := op.compile(sc)
		switch {
		case err == nil:
			all[op.ID] = r
			kept = append(kept, op)
		case d.src.gaps.sealed: // known since it was loaded, or else an error
			return nil, err
		default:
			d.close(op.at, op.Method, op.Template, err)
		}
	}
	clear(d.ops[len(kept):])
	d.ops = kept
	d.rules[v] = all
	return all, nil
}
