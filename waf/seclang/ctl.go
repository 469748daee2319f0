// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/corazawaf/coraza/v3/types/variables"
)

// ctlNames are the ctl actions of Coraza, which wants them in this case.
var ctlNames = strings.Fields(`auditEngine auditLogParts requestBodyAccess requestBodyLimit requestBodyProcessor
	forceRequestBodyVariable responseBodyProcessor responseBodyAccess responseBodyLimit forceResponseBodyVariable
	ruleEngine ruleRemoveById ruleRemoveByMsg ruleRemoveByTag ruleRemoveTargetById ruleRemoveTargetByMsg
	ruleRemoveTargetByTag hashEngine hashEnforcement debugLogLevel`)

// addCtl reads name=value or name=value;COLLECTION:key. A collection that there
// is not leaves Collection empty: Coraza then removes no target.
func addCtl(rule *Rule, argument string) error {
	name, value, ok := strings.Cut(argument, "=")
	if !ok {
		return errors.New("name=value is wanted")
	}
	if !slices.Contains(ctlNames, name) {
		return fmt.Errorf("there is no ctl %q", name)
	}
	c := Ctl{Name: strings.ToLower(name)}
	var target string
	c.Value, target, _ = strings.Cut(value, ";")
	collection, key, _ := strings.Cut(target, ":")
	key = strings.TrimSpace(key)
	if v, err := variables.Parse(strings.TrimSpace(collection)); err == nil && v != variables.Unknown {
		c.Collection = v.Name()
	}
	if expression, ok := expressionIn(key); !ok {
		c.Selector.Key = strings.ToLower(key)
	} else if expression == "" {
		return errors.New("an empty expression")
	} else if _, err := regexp.Compile(expression); err != nil {
		return err
	} else {
		c.Selector = Selector{Key: expression, Regexp: true}
	}
	rule.Ctls = append(rule.Ctls, c)
	return nil
}
