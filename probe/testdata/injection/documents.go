// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// This file is a small store of documents with the operators that such stores
// have ($ne, $gt, $in, $regex), and two questions that are asked of it.

var terminals = []object{
	{"terminal": "T1", "pin": "4821", "place": "gate"},
	{"terminal": "T2", "pin": "9034", "place": "office"},
}

var staff = []object{
	{"name": "Ada", "department": "sales", "phone": "11"},
	{"name": "Ben", "department": "sales", "phone": "12"},
	{"name": "Cyd", "department": "yard", "phone": "13"},
	{"name": "Dot", "department": "board", "phone": "14"},
}

func (a *app) documentRoutes() []operation {
	return []operation{
		{"POST /terminals/unlock", false, a.unlock},
		{"GET /staff", false, a.staff},
	}
}

// find gives the documents that a filter matches.
func find(all []object, filter object) ([]object, error) {
	out := []object{}
	for _, doc := range all {
		ok := true
		for name, want := range filter {
			m, err := matches(doc[name], want)
			if err != nil {
				return nil, err
			}
			ok = ok && m
		}
		if ok {
			out = append(out, doc)
		}
	}
	return out, nil
}

// matches compares one member: with a value, or by operators.
func matches(have, want any) (bool, error) {
	ops, ok := want.(object)
	if !ok {
		return have == want, nil
	}
	text, _ := have.(string)
	for op, arg := range ops {
		m := false
		s, isText := arg.(string)
		switch op {
		case "$eq":
			m = have == arg
		case "$ne":
			m = have != arg
		case "$gt":
			m = isText && cmp.Compare(text, s) > 0
		case "$lt":
			m = isText && cmp.Compare(text, s) < 0
		case "$in", "$nin":
			list, _ := arg.([]any)
			for _, one := range list {
				m = m || have == one
			}
			m = m == (op == "$in")
		case "$exists":
			m = (have != nil) == (arg == true || arg == "true")
		case "$regex":
			re, err := regexp.Compile(s)
			if err != nil {
				return false, err
			}
			m = re.MatchString(text)
		default:
			return false, fmt.Errorf("unknown operator: %s", op)
		}
		if !m {
			return false, nil
		}
	}
	return true, nil
}

// unlock opens a terminal by its PIN. Flaw body-operators: the body's members go
// into the filter whatever they are.
func (a *app) unlock(w http.ResponseWriter, r *http.Request) {
	var in object
	if !a.body(w, r, &in) {
		return
	}
	name, isText := in["terminal"].(string)
	pin, pinIsText := in["pin"].(string)
	filter := object{"terminal": in["terminal"], "pin": in["pin"]}
	if !a.has["body-operators"] {
		if !isText || !pinIsText {
			fail(w, http.StatusUnprocessableEntity, "terminal and pin are texts")
			return
		}
		filter = object{"terminal": name, "pin": pin}
	}
	found, err := find(terminals, filter)
	switch {
	case err != nil:
		fail(w, http.StatusBadRequest, "cannot look for that")
	case len(found) == 0:
		fail(w, http.StatusForbidden, "wrong pin")
	default:
		reply(w, http.StatusOK, object{"unlocked": true, "place": found[0]["place"]})
	}
}

// staff lists people of a department. Flaw query-operators: a query such as
// department[$ne]=x becomes an operator, as some parsers of queries do.
func (a *app) staff(w http.ResponseWriter, r *http.Request) {
	filter := object{"department": r.URL.Query().Get("department")}
	if a.has["query-operators"] {
		for name, values := range r.URL.Query() {
			if op, ok := strings.CutPrefix(name, "department["); ok && strings.HasSuffix(op, "]") {
				filter["department"] = object{strings.TrimSuffix(op, "]"): values[0]}
			}
		}
	}
	found, err := find(staff, filter)
	if err != nil {
		fail(w, http.StatusInternalServerError, "internal error")
		return
	}
	reply(w, http.StatusOK, object{"data": found})
}
