// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// directiveFunc carries out a directive; name is in lower case.
type directiveFunc func(p *Parser, name, options string) error

var errNoOptions = errors.New("options are missing")

// directives are all that Coraza knows, but for Include.
var directives map[string]directiveFunc

func init() {
	directives = map[string]directiveFunc{
		"secrule":               func(p *Parser, _, o string) error { return p.addRule(o, true) },
		"secaction":             func(p *Parser, _, o string) error { return p.addRule(o, false) },
		"secmarker":             wanted(func(p *Parser, o string) { p.items = append(p.items, Marker(o)) }),
		"secdefaultaction":      wanted((*Parser).addDefaultAction),
		"seccomponentsignature": wanted(func(p *Parser, o string) { p.settings.Signatures = append(p.settings.Signatures, o) }),
		"secdataset":            dataset,

		"secruleremovebyid":        removeByID,
		"secruleremovebytag":       wanted((*Parser).removeByTag),
		"secruleremovebymsg":       removeByMsg,
		"secruleupdatetargetbyid":  updateTargetByID,
		"secruleupdatetargetbytag": updateTargetByTag,
		"secruleupdateactionbyid":  updateActionByID,

		"secruleengine":                ruleEngine,
		"secrequestbodyaccess":         onOff(func(s *Settings) **bool { return &s.RequestBodyAccess }),
		"secresponsebodyaccess":        onOff(func(s *Settings) **bool { return &s.ResponseBodyAccess }),
		"secrequestbodylimit":          size(func(s *Settings) **int64 { return &s.RequestBodyLimit }),
		"secrequestbodynofileslimit":   size(func(s *Settings) **int64 { return &s.RequestBodyNoFilesLimit }),
		"secrequestbodyinmemorylimit":  size(func(s *Settings) **int64 { return &s.RequestBodyInMemoryLimit }),
		"secresponsebodylimit":         size(func(s *Settings) **int64 { return &s.ResponseBodyLimit }),
		"secrequestbodyjsondepthlimit": count(func(s *Settings) **int { return &s.RequestBodyJSONDepth }),
		"secresponsebodyjsondepthlimit": count(func(s *Settings) **int {
			return &s.ResponseBodyJSONDepth
		}),
		"secargumentslimit":             count(func(s *Settings) **int { return &s.ArgumentsLimit }),
		"secrequestbodylimitaction":     limitAction(func(s *Settings) *string { return &s.RequestBodyLimitAction }),
		"secresponsebodylimitaction":    limitAction(func(s *Settings) *string { return &s.ResponseBodyLimitAction }),
		"secresponsebodymimetype":       wanted(func(p *Parser, o string) { p.settings.ResponseBodyMIMETypes = strings.Split(o, " ") }),
		"secresponsebodymimetypesclear": clearMIMETypes,

		// A rule that Coraza drops protects nothing, and one that it does not
		// read at all neither.
		"secignorerulecompilationerrors": ignoreErrors,
		"secremoterules":                 refused("rules from elsewhere are not read"),
		"secrulescript":                  refused("Coraza passes over it: no rule would come of it"),
		"secruleupdatetargetbymsg":       refused("Coraza passes over it: the rule would not change"),
	}
	for _, name := range strings.Fields(otherDirectives) {
		directives[name] = other
	}
}

// otherDirectives have no bearing on what rules match: logs, storage, and what
// Coraza accepts and ignores.
const otherDirectives = `secwebappid secserversignature secsensorid secremoterulesfailaction
	secconnwritestatelimit secconnreadstatelimit secpcrematchlimitrecursion secpcrematchlimit sechttpblkey
	secgsblookupdb sechashmethodpm sechashmethodrx sechashparam sechashkey sechashengine secconnengine
	seccollectiontimeout secauditlog secauditlogtype secauditlogformat secauditlogstoragedir secauditlogdirmode
	secauditlogfilemode secauditlogrelevantstatus secauditlogparts secauditengine secdatadir secuploadkeepfiles
	secuploadfilemode secuploadfilelimit secuploaddir secdebuglog secdebugloglevel secrxprefilter
	secargumentseparator seccookieformat secruleperftime secunicodemap sectmpdir`

func other(p *Parser, name, options string) error {
	if p.settings.Other == nil {
		p.settings.Other = map[string]string{}
	}
	p.settings.Other[name] = options
	return nil
}

// wanted makes a directive that must have options.
func wanted(run func(*Parser, string)) directiveFunc {
	return func(p *Parser, _, options string) error {
		if options == "" {
			return errNoOptions
		}
		run(p, options)
		return nil
	}
}

func refused(why string) directiveFunc {
	return func(*Parser, string, string) error { return errors.New(why) }
}

func boolean(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither On nor Off", text)
}

func onOff(field func(*Settings) **bool) directiveFunc {
	return func(p *Parser, _, options string) error {
		b, err := boolean(options)
		*field(&p.settings) = &b
		return err
	}
}

func size(field func(*Settings) **int64) directiveFunc {
	return func(p *Parser, _, options string) error {
		n, err := strconv.ParseInt(options, 10, 64)
		*field(&p.settings) = &n
		return err
	}
}

func count(field func(*Settings) **int) directiveFunc {
	return func(p *Parser, _, options string) error {
		n, err := strconv.Atoi(options)
		if err == nil && n <= 0 {
			err = errors.New("the limit must be positive")
		}
		*field(&p.settings) = &n
		return err
	}
}

func limitAction(field func(*Settings) *string) directiveFunc {
	return func(p *Parser, _, options string) error {
		action := strings.ToLower(options)
		if action != "reject" && action != "processpartial" {
			return fmt.Errorf("%q is neither Reject nor ProcessPartial", options)
		}
		*field(&p.settings) = action
		return nil
	}
}

func ruleEngine(p *Parser, _, options string) error {
	switch engine := strings.ToLower(options); engine {
	case "on", "off", "detectiononly":
		p.settings.RuleEngine = engine
		return nil
	}
	return fmt.Errorf("%q is none of On, Off and DetectionOnly", options)
}

func clearMIMETypes(p *Parser, _, options string) error {
	if options != "" {
		return errors.New("it takes no options")
	}
	p.settings.ResponseBodyMIMETypes = nil
	return nil
}

func ignoreErrors(_ *Parser, _, options string) error {
	if on, err := boolean(options); err != nil {
		return err
	} else if on {
		return errors.New("it cannot be On: a rule that does not compile protects nothing")
	}
	return nil
}

// dataset reads a name and records, one a line, in backticks.
func dataset(p *Parser, _, options string) error {
	name, block, ok := strings.Cut(options, " ")
	if !ok {
		return errors.New("a name and records in backticks are wanted")
	}
	var records []string
	for line := range strings.SplitSeq(strings.Trim(block, "`"), "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			records = append(records, line)
		}
	}
	p.datasets[name] = records
	return nil
}
