package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// kubernetes holds an object against the types of the API.
func (c *config) kubernetes(n *node) {
	docs := src("kubernetes-api")
	version, kind := n.str("apiVersion"), n.str("kind")
	if kind == "List" {
		if items := n.get("items"); items != nil {
			for _, i := range items.items {
				c.object(i)
			}
		}
		return
	}
	shapes := c.cat.Shapes("kubernetes.txt")
	if isPlaceholder(version) || isPlaceholder(kind) || kind == "" {
		c.whole(unchecked("The kind has to be filled in; it was not checked."))
		return
	}
	if name := c.cat.Name("api", version+" "+kind); name != nil {
		switch name.Exists {
		case "no":
			c.broken(c.keyLine(n, "apiVersion"), orOwn(name.Sources), name.Use, "Kubernetes has no {}: {}", version+" "+kind, name.Is)
			top, ok := shapes.Objects[strings.TrimSpace(name.Use)+" "+kind]
			if ok {
				c.shape(shapes, top, n, kind, docs)
			}
			return
		default:
			c.whole(unchecked("{} is an extension: {}", version+" "+kind, name.Is))
			return
		}
	}
	top, ok := shapes.Objects[version+" "+kind]
	if !ok {
		c.unknownKind(n, shapes, version, kind)
		return
	}
	c.shape(shapes, top, n, kind, docs)
	for i := range c.starts {
		start, end := c.bounds(i + 1)
		c.rule("kubernetes", i+1, strings.TrimSpace(c.check.text[start:end]))
	}
	c.selects(n, kind)
	if len(c.bad) == 0 {
		c.at(c.keyLine(n, "kind"), issue{finding.Supported, say("{} exists, and all its keys do.", kind), docs, ""})
	}
}

// confining are kinds that hold for the pods of their own namespace only.
var confining = words("NetworkPolicy Role RoleBinding ServiceAccount ResourceQuota LimitRange PodDisruptionBudget")

// selects sees an object that cannot hold for the pod of the alert.
func (c *config) selects(n *node, kind string) {
	meta := n.get("metadata")
	ns := c.b.Facts["k8s.ns.name"]
	if given := meta.str("namespace"); confining[kind] && ns != "" && given != "" && given != ns && !isPlaceholder(given) && !templated.MatchString(given) {
		line := n.line
		for _, p := range meta.keys {
			if p.key == "namespace" {
				line = p.line
			}
		}
		c.broken(line, src("falco-fields"), "namespace: "+ns, "It holds in the namespace {} only; the pod of the alert is in {}.", given, ns)
		return
	}
	if kind != "NetworkPolicy" || c.b.Alert == nil {
		return
	}
	pods := n.get("spec").get("podSelector")
	if pods != nil && len(pods.keys) == 0 {
		c.at(c.keyLine(n, "kind"), issue{finding.Unsupported, say("It holds for every pod of the namespace, not only for the one of the alert; what the others need is not known."), src("kubernetes-docs"), ""})
		c.bad[c.keyLine(n, "kind")] = true
	}
}

func (c *config) unknownKind(n *node, shapes *catalogue.Shapes, version, kind string) {
	docs := src("kubernetes-api")
	if version == "" {
		c.broken(c.keyLine(n, "kind"), docs, "", "An object of Kubernetes needs an apiVersion.")
		return
	}
	var versions []string
	for name := range shapes.Objects {
		v, k, _ := strings.Cut(name, " ")
		if k == kind && c.cat.Name("api", name) == nil {
			versions = append(versions, v)
		}
	}
	group, _, grouped := strings.Cut(version, "/")
	core := !grouped || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && builtinGroups[group]
	switch {
	case len(versions) > 0 && core:
		best := versions[0]
		for _, v := range versions {
			if len(v) < len(best) || len(v) == len(best) && v < best {
				best = v
			}
		}
		c.broken(c.keyLine(n, "apiVersion"), docs, "apiVersion: "+best, "{} is not in {}.", kind, version)
	case core && builtinGroups[group] || !grouped:
		if !grouped && version != "v1" {
			c.broken(c.keyLine(n, "apiVersion"), docs, "", "Kubernetes has no API {}.", version)
			return
		}
		c.broken(c.keyLine(n, "kind"), docs, "", "{} has no kind {}.", version, kind)
	default:
		c.whole(unchecked("{} is an extension of Kubernetes that is in no catalogue.", version+" "+kind))
	}
}

var builtinGroups = words("apps batch autoscaling policy extensions networking.k8s.io rbac.authorization.k8s.io admissionregistration.k8s.io storage.k8s.io scheduling.k8s.io node.k8s.io discovery.k8s.io coordination.k8s.io certificates.k8s.io events.k8s.io authentication.k8s.io authorization.k8s.io v1")

// fragment judges a part of an object: securityContext, spec and so on.
func (c *config) fragment(n *node) bool {
	shapes := c.cat.Shapes("kubernetes.txt")
	parts := map[string][]string{
		"securityContext": {"core.v1.SecurityContext", "core.v1.PodSecurityContext"}, "containers": {"[]core.v1.Container"}, "initContainers": {"[]core.v1.Container"},
		"volumes": {"[]core.v1.Volume"}, "volumeMounts": {"[]core.v1.VolumeMount"}, "capabilities": {"core.v1.Capabilities"}, "seccompProfile": {"core.v1.SeccompProfile"},
		"resources": {"core.v1.ResourceRequirements"}, "podSelector": {"meta.v1.LabelSelector"},
	}
	known := false
	for _, p := range n.keys {
		if p.key == "securityContext" || p.key == "containers" || p.key == "seccompProfile" || p.key == "volumeMounts" {
			known = true
		}
		if p.key == "volumes" && p.value != nil && p.value.kind == "list" {
			for _, i := range p.value.items {
				known = known || i.has("name") && (i.has("emptyDir") || i.has("hostPath") || i.has("configMap") || i.has("secret") || i.has("persistentVolumeClaim"))
			}
		}
	}
	if spec := n.get("spec"); spec != nil && spec.kind == "map" && (spec.has("containers") || spec.has("template") || spec.has("securityContext")) {
		types := "core.v1.PodSpec"
		if spec.has("template") {
			types = "apps.v1.DeploymentSpec"
		}
		if c.shape(shapes, types, spec, "a pod's spec", src("kubernetes-api")) {
			c.at(n.line, issue{finding.Supported, say("Its keys exist in Kubernetes."), src("kubernetes-api"), ""})
		}
		return true
	}
	if !known {
		return false
	}
	fine := true
	for _, p := range n.keys {
		types, ok := parts[p.key]
		if !ok || p.value == nil {
			continue
		}
		kind := types[0]
		if len(types) == 2 {
			kind = c.both(shapes, types)
			shapes = &catalogue.Shapes{Types: merged(shapes.Types, kind, types)}
		}
		if !c.shape(shapes, kind, p.value, p.key, src("kubernetes-api")) {
			fine = false
		}
	}
	for i := range c.starts {
		start, end := c.bounds(i + 1)
		if c.rule("kubernetes", i+1, strings.TrimSpace(c.check.text[start:end])) {
			fine = false
		}
	}
	if fine {
		c.at(n.line, issue{finding.Supported, say("Its keys exist in Kubernetes."), src("kubernetes-api"), ""})
	}
	return true
}

func (c *config) both(*catalogue.Shapes, []string) string {
	return "securityContext of a pod or a container"
}

// merged adds a type that has the keys of several.
func merged(types map[string]map[string]string, name string, of []string) map[string]map[string]string {
	out := make(map[string]map[string]string, len(types)+1)
	for k, v := range types {
		out[k] = v
	}
	all := map[string]string{}
	for _, t := range of {
		for k, v := range types[t] {
			all[k] = v
		}
	}
	out[name] = all
	return out
}
