// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"regexp"

	"durward/probe/client"
)

// signature is how an engine, or a driver, words an error about a query. Words
// that any parser might use ("syntax error") are not among them.
type signature struct {
	engine string
	text   *regexp.Regexp
}

var signatures = []signature{
	{"SQLite", regexp.MustCompile(`(?i)SQLITE_ERROR|sqlite3?\.(OperationalError|DatabaseError|Warning)|SQLite/JDBCDriver|System\.Data\.SQLite|SQL logic error|unrecognized token: \\?"|near \\?"[^"]{0,80}\\?": syntax error|sqlite3::(query|exec|prepare)|incomplete input \(1\)`)},
	{"MySQL", regexp.MustCompile(`(?i)You have an error in your SQL syntax|check the manual that (corresponds to|fits) your (MySQL|MariaDB)|ER_PARSE_ERROR|com\.mysql\.(cj\.)?jdbc|MySqlException|MySQLSyntaxErrorException|pymysql\.err|mysql_fetch|mysqli?_query\(|Error 1064 \(42000\)`)},
	{"PostgreSQL", regexp.MustCompile(`(?i)(ERROR|error):\s+(syntax error at or near|unterminated quoted string at or near|invalid input syntax for)|pq: (syntax error|unterminated)|org\.postgresql\.util\.PSQLException|psycopg2?\.errors|psycopg2\.(ProgrammingError|DataError)|PG::SyntaxError|Npgsql\.|SQLSTATE 42601|pg_query\(\)`)},
	{"SQL Server", regexp.MustCompile(`(?i)Unclosed quotation mark (after|before) the character string|Incorrect syntax near (the keyword )?'|System\.Data\.SqlClient|Microsoft\.Data\.SqlClient|com\.microsoft\.sqlserver\.jdbc|ODBC (Driver \d+ for )?SQL Server|\[SQL Server\]|mssql_query\(`)},
	{"Oracle", regexp.MustCompile(`\bORA-(00933|00936|01756|00907|00911|01722|00920|00921)\b|quoted string not properly terminated|oracle\.jdbc\.|java\.sql\.SQLSyntaxErrorException: ORA`)},
	{"DB2", regexp.MustCompile(`DB2 SQL error|SQLCODE=-\d+|com\.ibm\.db2\.jcc`)},
	{"H2 or HSQLDB", regexp.MustCompile(`org\.h2\.jdbc|Syntax error in SQL statement|org\.hsqldb\.|unexpected token: .{0,40} in statement`)},
	{"a database layer", regexp.MustCompile(`SequelizeDatabaseError|QueryFailedError|sqlalchemy\.exc\.(OperationalError|ProgrammingError|DatabaseError)|django\.db\.utils\.(OperationalError|ProgrammingError)|SQLSTATE\[(42|HY)|PDOException|ActiveRecord::StatementInvalid|BadSqlGrammarException|org\.hibernate\.(exception|QueryException)|SQLGrammarException|PrismaClientKnownRequestError.{0,200}Raw query failed`)},
}

// sqlError finds an engine's error in an answer. No text that is sent has one.
func sqlError(a *client.Answer) (engine, text string) {
	for _, s := range signatures {
		if m := s.text.Find(a.Body); m != nil {
			return s.engine, string(m)
		}
	}
	return "", ""
}
