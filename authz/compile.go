// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	cedarast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"durward"
	"durward/authz/directory"
	"durward/authz/eval"
)

// Compiled are the rules of one API, ready to decide. It is immutable and safe
// for concurrent use.
type Compiled struct {
	slices      map[string]*slice
	public      map[string]bool
	schema      string
	policies    []policy
	directories map[string]directory.Directory
}

// slice is what one operation needs to decide.
type slice struct {
	op       *Operation
	action   types.EntityUID
	groups   []types.EntityUID
	resource *objectType // nil: the API
	api      string
	objects  []*objectType
	dirs     map[string]directory.Directory
	claims   []claim
	body     []bodyField
	bodies   int      // records in the content, itself included
	lower    []string // names of the header parameters in lower case

	layout                    eval.Layout
	forbids, permits, reports ruleSet
	// late tells that some policy reads the content, so that the decision
	// falls behind the contract check.
	late bool
	// roles and scopes are those of the short forms, to say what is missing.
	roles, scopes []string
}

// rule is one compiled policy of a slice.
type rule struct {
	*eval.Program
	tree         *ast.Policy
	label, would string // in the record: enforced, and in report mode
	denied       error  // when it forbids
	late         bool   // reads the content
	asks         bool   // may look objects up
}

// Env is what the rules of APIs share and do not own.
type Env struct {
	Now     func() time.Time  // time.Now when nil
	Objects directory.Objects // of directories in the store; nil: they are away
}

// Compile reads, checks and compiles the rules of an API. Every fault of a
// policy names its file, line, column and words. It asks no directory over the
// network. A nil env is an empty one.
func Compile(cfg *Config, api API, env *Env) (*Compiled, error) {
	if env == nil {
		env = new(Env)
	}
	if err := errors.Join(cfg.Check(), api.check()); err != nil {
		return nil, err
	}
	api = api.canonical(durward.CanonicalName)
	objects, err := cfg.readObjects()
	if err != nil {
		return nil, err
	}
	c := &Compiled{slices: map[string]*slice{}, public: map[string]bool{}}
	var errs []error
	for i := range api.Operations {
		op := &api.Operations[i]
		c.public[op.ID] = op.Public
		if _, err := resourceOf(op, objects); err != nil && !op.Public {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(append(errs, c.checkNames(cfg))...); err != nil {
		return nil, err
	}
	claims := cfg.claimsOf()
	c.schema = schemaText(&api, claims, objects)
	if err := c.readPolicies(cfg, &api); err != nil {
		return nil, err
	}
	if c.directories, err = openDirectories(cfg, objects, env); err != nil {
		return nil, err
	}
	for i := range api.Operations {
		if op := &api.Operations[i]; !op.Public {
			if err := c.slice(cfg, &api, op, objects, claims); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// checkNames refuses rules for operations that are not there or are public.
func (c *Compiled) checkNames(cfg *Config) error {
	var errs []error
	for _, id := range cfg.Named() {
		public, ok := c.public[id]
		switch {
		case !ok:
			errs = append(errs, durward.Invalid("", "a rule names the operation %q, which the contract does not have", id))
		case public:
			errs = append(errs, durward.Invalid("", "a rule names the operation %q, which is public", id))
		}
	}
	return errors.Join(errs...)
}

// readPolicies makes one list of the short forms and the policies, checked.
func (c *Compiled) readPolicies(cfg *Config, api *API) error {
	resolved, err := resolve(c.schema)
	if err != nil {
		return err
	}
	v := validate.New(resolved)
	var errs []error
	for i := range api.Operations {
		op := &api.Operations[i]
		tree := cfg.shortForm(op.ID)
		if tree == nil || op.Public {
			continue
		}
		// Roles and scopes are always there; only claims of owners may not be.
		// Looking costs more with every operation, so a large API would pay
		// with the square of their number.
		if len(cfg.Owner) == 0 {
		} else if err := v.Policy("", tree); err != nil {
			errs = append(errs, durward.Invalid("owner", "cannot be met at %q: %s", op.ID, oneLine(err)))
		}
		name := "rules of " + op.ID
		c.policies = append(c.policies, policy{tree: tree, name: name, label: name})
	}
	sources, err := readSources(cfg.Policies)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	public := func(word string) bool {
		id, ok := strings.CutPrefix(word, `Action::"`)
		return ok && c.public[strings.TrimSuffix(id, `"`)]
	}
	for i := range sources {
		list, err := sources[i].parse()
		errs = append(errs, err)
		for j := range list {
			p := &list[j]
			if p.name != "" && slices.ContainsFunc(c.policies, func(q policy) bool { return q.name == p.name }) {
				errs = append(errs, sources[i].fault(p.tree, []string{p.name}, fmt.Sprintf("the id %q is taken", p.name)))
			}
			err := sources[i].validate(v, p, public)
			if err == nil {
				err = sources[i].checkNames(p, resolved, api)
			}
			errs = append(errs, err)
			c.policies = append(c.policies, *p)
		}
	}
	return errors.Join(errs...)
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func openDirectories(cfg *Config, objects []*objectType, env *Env) (map[string]directory.Directory, error) {
	now := env.Now
	if now == nil {
		now = time.Now
	}
	out := map[string]directory.Directory{}
	for _, name := range sortedKeys(cfg.Directories) {
		d := cfg.Directories[name]
		switch {
		case d.HTTP != nil:
			out[name] = directory.NewHTTP(*d.HTTP, now)
			continue
		case d.Store:
			out[name] = directory.NewStored(env.Objects)
			continue
		}
		f, err := directory.OpenFile(d.File, typesIn(name, objects))
		if err != nil {
			return nil, durward.Invalid("directories."+name+".file", "cannot be used: %v", err)
		}
		out[name] = f
	}
	return out, nil
}

// typesIn gives the types of the objects that a directory knows.
func typesIn(directoryName string, objects []*objectType) []*directory.Type {
	var out []*directory.Type
	for _, o := range objects {
		if o.directory == directoryName {
			out = append(out, &o.Type)
		}
	}
	return out
}

// StoredTypes are the types of the objects that directories in the store know.
func (c *Config) StoredTypes() ([]*directory.Type, error) {
	objects, err := c.readObjects()
	if err != nil {
		return nil, err
	}
	var out []*directory.Type
	for _, name := range sortedKeys(c.Directories) {
		if d := c.Directories[name]; d.Store {
			out = append(out, typesIn(name, objects)...)
		}
	}
	return out, nil
}

// slice keeps, for one operation, what can match its requests.
func (c *Compiled) slice(cfg *Config, api *API, op *Operation, objects []*objectType, claims map[string]string) error {
	s := &slice{op: op, action: actionUID(op.ID), api: api.Name, objects: objects, dirs: c.directories}
	s.resource, _ = resourceOf(op, objects)
	for _, g := range op.groups() {
		s.groups = append(s.groups, actionUID(g))
	}
	for _, name := range sortedKeys(claims) {
		s.claims = append(s.claims, claim{name, claims[name]})
	}
	s.body = s.flatten(op.Body)
	for _, p := range op.Header {
		s.lower = append(s.lower, strings.ToLower(p.Name))
	}
	resource := types.EntityType("API")
	if s.resource != nil {
		resource = types.EntityType(s.resource.Name)
	}
	for i := range c.policies {
		p := &c.policies[i]
		if p.mode == durward.Off || !eval.Applies(p.tree, s.action, s.groups, resource) {
			continue
		}
		program, err := eval.NewProgram(p.tree, &s.action, &s.layout)
		if err != nil {
			return durward.Invalid(p.field, "%s: %v", p.label, err)
		}
		s.add(p, program)
	}
	for _, part := range []*ruleSet{&s.forbids, &s.permits, &s.reports} {
		conditions := make([][]eval.Condition, len(part.list))
		for i := range part.list {
			conditions[i] = eval.Conditions(part.list[i].tree, &s.layout)
		}
		part.arrange(part == &s.forbids || part == &s.reports, conditions)
	}
	if len(s.permits.list) == 0 {
		return durward.Invalid("", "operation %q is covered by no rule; name it under roles, scopes, authenticated or owner, permit it by a policy, or declare it public", op.ID)
	}
	s.scopes = holders(cfg.Scopes, op.ID)
	if !names(cfg.Authenticated, op.ID) {
		s.roles = holders(cfg.Roles, op.ID)
	}
	c.slices[op.ID] = s
	return nil
}

func (s *slice) add(p *policy, program *eval.Program) {
	effect := "permit: "
	if program.Forbid {
		effect = "forbid: "
	}
	r := rule{
		Program: program, tree: p.tree, label: p.label, would: "report, would " + effect + p.label,
		denied: errors.New("forbidden by " + p.label), late: readsBody(p.tree),
		asks: asksObjects(p.tree),
	}
	switch {
	case p.mode == durward.Report:
		s.reports.list = append(s.reports.list, r)
	case program.Forbid:
		s.forbids.list = append(s.forbids.list, r)
	default:
		s.permits.list = append(s.permits.list, r)
	}
	s.late = s.late || r.late
}

// asksObjects tells whether a policy may look an object up: its conditions or
// scope say something of the resource, or name an entity that is no role.
func asksObjects(p *ast.Policy) bool {
	asks := false
	switch p.Resource.(type) {
	case ast.ScopeTypeIn, ast.ScopeTypeIsIn:
		asks = true
	}
	for _, condition := range p.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeTypeVariable:
				asks = asks || n.Name == "resource"
			case ast.NodeValue:
				uid, ok := n.Value.(types.EntityUID)
				asks = asks || ok && uid.Type != "Role"
			}
			return true
		})
	}
	return asks
}

// readsBody tells whether a policy may read the content.
func readsBody(p *ast.Policy) bool {
	reads := false
	look := func(arg ast.IsNode, name types.String) bool {
		v, ok := arg.(ast.NodeTypeVariable)
		if ok && v.Name == "context" {
			reads = reads || name == "body"
			return false
		}
		return true
	}
	for _, condition := range p.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeTypeAccess:
				return look(n.Arg, n.Value)
			case ast.NodeTypeHas:
				return look(n.Arg, n.Value)
			case ast.NodeTypeVariable:
				// The context as a whole has the content in it.
				reads = reads || n.Name == "context"
			}
			return true
		})
	}
	return reads
}

// Cedar prints every policy that decides, the short forms included.
func (c *Compiled) Cedar() string {
	var b strings.Builder
	for i := range c.policies {
		p := &c.policies[i]
		if p.mode == durward.Off {
			continue
		}
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString("// " + p.label + "\n")
		b.Write(cedar.NewPolicyFromAST((*cedarast.Policy)(p.tree)).MarshalCedar())
		b.WriteString("\n")
	}
	return b.String()
}

// Rule is a policy that can have a say in an operation.
type Rule struct {
	Label  string // as in the record
	Forbid bool
	Report bool // in report mode
	Late   bool // decided behind the contract check, since it reads the content
}

// Rules lists the policies that can match requests of an operation, forbids
// first; none for a public one.
func (c *Compiled) Rules(operation string) []Rule {
	s := c.slices[operation]
	if s == nil {
		return nil
	}
	var out []Rule
	for _, part := range []*ruleSet{&s.forbids, &s.permits, &s.reports} {
		for i := range part.list {
			r := &part.list[i]
			out = append(out, Rule{r.label, r.Forbid, part == &s.reports, r.late})
		}
	}
	return out
}

// Schema is the Cedar schema of the API's contract, that policies are held
// against.
func (c *Compiled) Schema() string { return c.schema }

// Close ends the look-ups.
func (c *Compiled) Close() error {
	var errs []error
	for _, d := range c.directories {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}
