/** The discovery documents in protobuf; field numbers are those of k8s.io/apimachinery's and k8s.io/api's generated.proto. */
import { writeListMeta, writeObjectMeta } from '../apimachinery/metaprotobuf.ts';
import { encodeProtobuf, type ProtobufWriter } from '../apimachinery/protobuf.ts';
import type { AggregatedGroups, Group, GroupList, GroupVersion, ResourceList } from './discoverydocuments.ts';

export function encodeGroupList({ kind, groups }: GroupList): Buffer {
  return encodeProtobuf('', kind, (writer) => {
    for (const group of groups) writer.message(1, () => writeGroup(writer, group));
  });
}

export function encodeGroup(group: Group): Buffer {
  return encodeProtobuf('v1', 'APIGroup', (writer) => writeGroup(writer, group));
}

function writeGroup(writer: ProtobufWriter, group: Group): void {
  writer.string(1, group.name);
  for (const version of group.versions) writeGroupVersion(writer, 2, version);
  writeGroupVersion(writer, 3, group.preferredVersion);
  for (const { clientCIDR, serverAddress } of group.serverAddressByClientCIDRs ?? []) {
    writer.message(4, () => {
      writer.string(1, clientCIDR);
      writer.string(2, serverAddress);
    });
  }
}

function writeGroupVersion(writer: ProtobufWriter, field: number, { groupVersion, version }: GroupVersion): void {
  writer.message(field, () => {
    writer.string(1, groupVersion);
    writer.string(2, version);
  });
}

export function encodeResourceList({ kind, apiVersion, groupVersion, resources }: ResourceList): Buffer {
  return encodeProtobuf(apiVersion, kind, (writer) => {
    writer.string(1, groupVersion);
    for (const resource of resources) {
      writer.message(2, () => {
        writer.string(1, resource.name);
        writer.boolean(2, resource.namespaced);
        writer.string(3, resource.kind);
        writer.message(4, () => {
          for (const verb of resource.verbs) writer.string(1, verb);
        });
        for (const shortName of resource.shortNames ?? []) writer.string(5, shortName);
        writer.string(6, resource.singularName);
        // Group and version are the list's; there is no storage version hash.
        for (const each of [8, 9, 10]) writer.string(each, '');
      });
    }
  });
}

export function encodeAggregatedGroups({ kind, apiVersion, items }: AggregatedGroups): Buffer {
  return encodeProtobuf(apiVersion, kind, (writer) => {
    writeListMeta(writer, 1);
    for (const { metadata, versions } of items) {
      writer.message(2, () => {
        writeObjectMeta(writer, 1, metadata);
        for (const version of versions) writer.message(2, () => writeVersion(writer, version));
      });
    }
  });
}

type VersionResources = AggregatedGroups['items'][number]['versions'][number];

function writeVersion(writer: ProtobufWriter, { version, resources, freshness }: VersionResources): void {
  writer.string(1, version);
  for (const { resource, responseKind, scope, singularResource, verbs, shortNames } of resources ?? []) {
    writer.message(2, () => {
      writer.string(1, resource);
      writer.message(2, () => {
        writer.string(1, responseKind.group);
        writer.string(2, responseKind.version);
        writer.string(3, responseKind.kind);
      });
      writer.string(3, scope);
      writer.string(4, singularResource);
      for (const verb of verbs) writer.string(5, verb);
      for (const shortName of shortNames ?? []) writer.string(6, shortName);
    });
  }
  writer.string(3, freshness);
}
