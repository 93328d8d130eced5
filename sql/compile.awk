# Compiles sql/*.sql into rows for src/sql.h and src/sql.c:
#	SQL(NAME, "name", "text", "scan reason" or NULL)
#	SQL_SCRIPT(NAME, "text")
#	SQL_SCHEMA(version, "text")
# A section begins with `-- name: x`, `-- script: x` or `-- version: n`; `-- scan:` lines belong to
# the section they stand in, all other comment lines and blank lines are dropped.

function escape(s)
{
	gsub(/"/, "\\\"", s)
	gsub(/\t/, " ", s)
	return s
}

function finish()
{
	if (kind == "")
		return
	if (text == "") {
		print FILENAME ": section " name " is empty" > "/dev/stderr"
		bad = 1
	}
	if (kind == "name")
		printf "SQL(%s, \"%s\",%s,\n\t%s)\n", toupper(name), name, text,
			scan == "" ? "NULL" : "\"" escape(scan) "\""
	else if (kind == "script")
		printf "SQL_SCRIPT(%s,%s)\n", toupper(name), text
	else
		printf "SQL_SCHEMA(%d,%s)\n", name, text
	kind = text = scan = ""
}

FNR == 1 || /^-- (name|script|version): / { finish() }
/^-- (name|script|version): / { kind = substr($2, 1, length($2) - 1); name = $3; next }
/^-- scan: / { scan = substr($0, 10); next }
/^[ \t]*--/ || /^[ \t]*$/ { next }
kind == "" { print FILENAME ":" FNR ": a statement without a name" > "/dev/stderr"; bad = 1; next }
/\\/ { print FILENAME ":" FNR ": a backslash" > "/dev/stderr"; bad = 1; next }
{ text = text "\n\t\"" escape($0) "\\n\"" }
END { finish(); exit bad }
