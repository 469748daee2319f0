// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// operators are the names of Coraza's operators, in the case in which it wants
// them, and whether their argument is a macro.
var operators = map[string]bool{
	"beginsWith": true, "contains": true, "endsWith": true, "eq": true, "ge": true, "gt": true, "le": true,
	"lt": true, "streq": true, "strmatch": true, "within": true,

	"detectSQLi": false, "detectXSS": false, "geoLookup": false, "inspectFile": false, "ipMatch": false,
	"ipMatchFromDataset": false, "ipMatchFromFile": false, "ipMatchF": false, "noMatch": false, "pm": false,
	"pmFromDataset": false, "pmFromFile": false, "pmf": false, "rbl": false, "restpath": false, "rx": false,
	"unconditionalMatch": false, "validateByteRange": false, "validateNid": false, "validateSchema": false,
	"validateUrlEncoding": false, "validateUtf8Encoding": false,
}

// readOperator reads the second part of a SecRule. Without a name it is rx.
func (p *Parser) readOperator(rule *Rule, text string) error {
	op := &Operator{}
	text, op.Negated = strings.CutPrefix(text, "!")
	name := "rx"
	if rest, ok := strings.CutPrefix(text, "@"); ok {
		name, text, _ = strings.Cut(rest, " ")
		name = strings.TrimSpace(name)
	}
	op.Name, op.Argument = strings.ToLower(name), strings.TrimSpace(text)
	rule.Operator = op

	expands, known := operators[name]
	if !known {
		rule.Unknown = fmt.Sprintf("the operator %q is not one of Coraza's own", name)
		return nil
	}
	if expands {
		m, err := parseMacro(op.Argument)
		if err != nil {
			return fmt.Errorf("the operator %s: %w", name, err)
		}
		if literal, ok := m.Literal(); ok {
			op.Argument = literal
		} else {
			op.Macro = m
		}
		return nil
	}
	var err error
	switch op.Name {
	case "pm":
		op.Data = strings.Split(strings.ToLower(op.Argument), " ")
	case "pmfromfile", "pmf":
		op.Data, err = p.dataFile(op.Argument)
		for i, phrase := range op.Data {
			op.Data[i] = strings.ToLower(phrase)
		}
	case "ipmatchfromfile", "ipmatchf":
		op.Data, err = p.dataFile(op.Argument)
	case "pmfromdataset", "ipmatchfromdataset":
		records, ok := p.datasets[op.Argument]
		if !ok {
			err = fmt.Errorf("there is no data set %q", op.Argument)
		}
		op.Data = records
	}
	return err
}

// dataFile reads the lines of a file that is named relative to the file with
// the rule or, failing that, to the working directory.
func (p *Parser) dataFile(name string) ([]string, error) {
	var text []byte
	var err error
	if path.IsAbs(name) {
		text, err = fs.ReadFile(p.root, name)
	} else {
		text, err = fs.ReadFile(p.root, path.Join(p.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			if wd, wdErr := os.Getwd(); wdErr == nil {
				if t, wdErr := fs.ReadFile(p.root, path.Join(wd, name)); wdErr == nil {
					text, err = t, nil
				}
			}
		}
	}
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if len(line) >= 64<<10 {
			return nil, fmt.Errorf("%s has a line of 64 KiB or more", name)
		}
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
