/**
 * How the packets of a connection go, once they do: the candidate's type and protocol.
 * @param {RTCPeerConnection} connection
 */
export async function routeOf(connection) {
  const stats = await connection.getStats();
  for (const report of stats.values()) {
    if (report.type === 'transport' && report.selectedCandidatePairId) {
      const pair = stats.get(report.selectedCandidatePairId);
      const { candidateType, protocol } = stats.get(pair.localCandidateId);
      return { type: candidateType, protocol };
    }
  }
  return undefined;
}
