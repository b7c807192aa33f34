//go:build tools

// Package tools holds the version of Pulumi's engine; scripts/build_tools.py builds it.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
