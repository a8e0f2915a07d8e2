package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	admissionregistrationv1alpha1 "k8s.io/api/admissionregistration/v1alpha1"
	admissionregistrationv1beta1 "k8s.io/api/admissionregistration/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	authenticationv1 "k8s.io/api/authentication/v1"
	authenticationv1alpha1 "k8s.io/api/authentication/v1alpha1"
	authenticationv1beta1 "k8s.io/api/authentication/v1beta1"
	authorizationv1 "k8s.io/api/authorization/v1"
	authorizationv1beta1 "k8s.io/api/authorization/v1beta1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	coordinationv1 "k8s.io/api/coordination/v1"
	coordinationv1alpha2 "k8s.io/api/coordination/v1alpha2"
	coordinationv1beta1 "k8s.io/api/coordination/v1beta1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	discoveryv1beta1 "k8s.io/api/discovery/v1beta1"
	eventsv1 "k8s.io/api/events/v1"
	eventsv1beta1 "k8s.io/api/events/v1beta1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	flowcontrolv1beta1 "k8s.io/api/flowcontrol/v1beta1"
	flowcontrolv1beta2 "k8s.io/api/flowcontrol/v1beta2"
	flowcontrolv1beta3 "k8s.io/api/flowcontrol/v1beta3"
	lifecyclev1alpha1 "k8s.io/api/lifecycle/v1alpha1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	nodev1 "k8s.io/api/node/v1"
	nodev1alpha1 "k8s.io/api/node/v1alpha1"
	nodev1beta1 "k8s.io/api/node/v1beta1"
	policyv1 "k8s.io/api/policy/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1alpha1 "k8s.io/api/rbac/v1alpha1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	resourcev1 "k8s.io/api/resource/v1"
	resourcev1alpha3 "k8s.io/api/resource/v1alpha3"
	resourcev1beta1 "k8s.io/api/resource/v1beta1"
	resourcev1beta2 "k8s.io/api/resource/v1beta2"
	schedulingv1 "k8s.io/api/scheduling/v1"
	schedulingv1alpha3 "k8s.io/api/scheduling/v1alpha3"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	storagev1 "k8s.io/api/storage/v1"
	storagev1alpha1 "k8s.io/api/storage/v1alpha1"
	storagev1beta1 "k8s.io/api/storage/v1beta1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	storagemigrationv1beta1 "k8s.io/api/storagemigration/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// A shape says which keys an object of a configuration file may have: a line
// "type NAME<tab>key=TYPE ...". TYPE is a name, []TYPE, map:TYPE, or one of
// string, number, bool, any. "object NAME<tab>apiVersion kind" says what stands
// at the top of a Kubernetes object.
type shaper struct {
	done  map[reflect.Type]string
	lines []string
}

// shapes writes the shapes of Kubernetes objects, from the Go types of
// k8s.io/api, and of Falco's configuration and rules, from Falco's own schemas.
func shapes() error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{admissionregistrationv1.AddToScheme, admissionregistrationv1alpha1.AddToScheme, admissionregistrationv1beta1.AddToScheme, appsv1.AddToScheme, appsv1beta1.AddToScheme, appsv1beta2.AddToScheme, authenticationv1.AddToScheme, authenticationv1alpha1.AddToScheme, authenticationv1beta1.AddToScheme, authorizationv1.AddToScheme, authorizationv1beta1.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme, batchv1beta1.AddToScheme, certificatesv1.AddToScheme, certificatesv1alpha1.AddToScheme, certificatesv1beta1.AddToScheme, coordinationv1.AddToScheme, coordinationv1alpha2.AddToScheme, coordinationv1beta1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, discoveryv1beta1.AddToScheme, eventsv1.AddToScheme, eventsv1beta1.AddToScheme, extensionsv1beta1.AddToScheme, flowcontrolv1.AddToScheme, flowcontrolv1beta1.AddToScheme, flowcontrolv1beta2.AddToScheme, flowcontrolv1beta3.AddToScheme, lifecyclev1alpha1.AddToScheme, networkingv1.AddToScheme, networkingv1beta1.AddToScheme, nodev1.AddToScheme, nodev1alpha1.AddToScheme, nodev1beta1.AddToScheme, policyv1.AddToScheme, policyv1beta1.AddToScheme, rbacv1.AddToScheme, rbacv1alpha1.AddToScheme, rbacv1beta1.AddToScheme, resourcev1.AddToScheme, resourcev1alpha3.AddToScheme, resourcev1beta1.AddToScheme, resourcev1beta2.AddToScheme, schedulingv1.AddToScheme, schedulingv1alpha3.AddToScheme, schedulingv1beta1.AddToScheme, storagev1.AddToScheme, storagev1alpha1.AddToScheme, storagev1beta1.AddToScheme, storagemigrationv1.AddToScheme, storagemigrationv1beta1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	s := &shaper{done: map[reflect.Type]string{}}
	for gvk, t := range scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal || strings.HasSuffix(gvk.Kind, "Options") || strings.HasSuffix(gvk.Kind, "List") || gvk.Kind == "WatchEvent" || t.PkgPath() == reflect.TypeFor[metav1.Status]().PkgPath() {
			continue
		}
		s.lines = append(s.lines, fmt.Sprintf("object %s\t%s %s", s.of(t), gvk.GroupVersion(), gvk.Kind))
	}
	sort.Strings(s.lines)
	if err := write("kubernetes.txt", "# Objects of Kubernetes 1.37 and older versions of them, from the types of k8s.io/api v0.37.2.\n", s.lines); err != nil {
		return err
	}
	if *falco == "" {
		return errors.New("the shapes of Falco need -falco DIR")
	}
	for name, file := range map[string]string{"falco-config.txt": "userspace/falco/config_json_schema.h", "falco-rules.txt": "userspace/engine/rule_json_schema.h"} {
		text, err := exec.Command("git", "-C", *falco, "show", "HEAD:"+file).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		m := regexp.MustCompile(`(?s)LONG_STRING_CONST\(\s*(\{.*\})\s*\);`).FindSubmatch(text)
		if m == nil {
			return fmt.Errorf("%s: no schema in it", file)
		}
		var schema node
		if err := json.Unmarshal(m[1], &schema); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		var lines []string
		for name, d := range schema.Definitions {
			if d.Type == "object" {
				lines = append(lines, d.shape(name))
			}
		}
		sort.Strings(lines)
		if err := write(name, "# Keys, from the schema in Falco's source ("+file+").\n", lines); err != nil {
			return err
		}
	}
	return nil
}

// node is a node of a JSON schema.
type node struct {
	Type        any             `json:"type"`
	Ref         string          `json:"$ref"`
	Properties  map[string]node `json:"properties"`
	Additional  any             `json:"additionalProperties"`
	Items       *node           `json:"items"`
	Definitions map[string]node `json:"definitions"`
}

func (n node) shape(name string) string {
	if n.Additional != false {
		return "type " + name + "\t*=any"
	}
	var keys []string
	for key, p := range n.Properties {
		keys = append(keys, key+"="+p.kind())
	}
	sort.Strings(keys)
	return "type " + name + "\t" + strings.Join(keys, " ")
}

func (n node) kind() string {
	switch {
	case n.Ref != "":
		return n.Ref[strings.LastIndex(n.Ref, "/")+1:]
	case n.Type == "array" && n.Items != nil:
		return "[]" + n.Items.kind()
	case n.Type == "string":
		return "string"
	case n.Type == "boolean":
		return "bool"
	case n.Type == "integer", n.Type == "number":
		return "number"
	}
	return "any"
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func (s *shaper) of(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem())
	}
	if t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler) {
		return "any"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "string"
		}
		return "[]" + s.of(t.Elem())
	case reflect.Map:
		return "map:" + s.of(t.Elem())
	case reflect.Struct:
		return s.object(t)
	case reflect.Interface:
		return "any"
	}
	return "number"
}

func (s *shaper) object(t reflect.Type) string {
	if name, ok := s.done[t]; ok {
		return name
	}
	parts := strings.Split(t.PkgPath(), "/")
	name := strings.Join(parts[len(parts)-2:], ".") + "." + t.Name()
	s.done[t] = name
	keys := s.keys(t)
	sort.Strings(keys)
	s.lines = append(s.lines, "type "+name+"\t"+strings.Join(slices.Compact(keys), " "))
	return name
}

func (s *shaper) keys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-":
		case tag == "" && (f.Anonymous || strings.Contains(rest, "inline")):
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			keys = append(keys, s.keys(inner)...)
		case tag != "":
			keys = append(keys, tag+"="+s.of(f.Type))
		}
	}
	return keys
}
